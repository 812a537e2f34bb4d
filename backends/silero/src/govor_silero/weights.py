"""Find the weights in an installed distribution, without importing that distribution."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import govor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of an installed distribution."""

    path: str
    """Path in the distribution's list of files."""
    sha256: str
    version: str
    """The distribution's version with this checksum."""


# faster-whisper's first: it is in the default install, and then its regions are Govor's own.
SOURCES = {
    "faster-whisper": Source(
        path="faster_whisper/assets/silero_vad_v6.onnx",
        sha256="4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
        version="1.2.1",
    ),
    "silero-vad": Source(
        path="silero_vad/data/silero_vad_16k_sequence.onnx",
        sha256="9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85",
        version="6.2.3",
    ),
}


def find_weights(choice: str) -> Path:
    """Return the file for "auto", a name in SOURCES, or a path. Raises LoadFailed if it is not there."""
    if choice.endswith(".onnx"):
        return _existing(Path(choice))
    names = list(SOURCES) if choice == "auto" else [choice]
    for name in names:
        path = _installed(name)
        if path is not None:
            return path
    wanted = " or ".join(f"{name} ({SOURCES[name].path})" for name in names)
    raise govor.LoadFailed(
        f"No Silero weights here: no installed distribution {wanted}. Install one with "
        "`pip install faster-whisper` or `pip install --no-deps silero-vad`, or set `weights` in "
        "[plugins.silero] to the path of the file."
    )


def read_weights(path: Path) -> bytes:
    """Return the file's content; warns if its checksum is unknown."""
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 not in {source.sha256 for source in SOURCES.values()}:
        tested = ", ".join(f"{name} {source.version}" for name, source in SOURCES.items())
        log.warning("%s is not a file this plugin was tested with (%s); sha256 %s", path, tested, sha256)
    return content


def _installed(name: str) -> Path | None:
    try:
        path = Path(str(distribution(name).locate_file(SOURCES[name].path)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise govor.LoadFailed(f"The Silero weights {path}, named in [plugins.silero], are not there.")
    return path
