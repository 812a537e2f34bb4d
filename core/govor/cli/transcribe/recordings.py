"""What `govor transcribe` is to hear: files, all recordings of folders, and standard input."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STANDARD_INPUT = "-"

SUFFIXES = frozenset(
    """
    .3gp .aac .ac3 .aif .aiff .amr .ape .asf .au .avi .caf .dts .flac .flv .m2ts .m4a .m4b .m4v .mka .mkv .mov
    .mp2 .mp3 .mp4 .mpeg .mpg .mts .oga .ogg .ogv .opus .qt .ra .rm .spx .ts .tta .vob .wav .weba .webm .wma
    .wmv .wv
    """.split()  # noqa: SIM905  a list of fifty would fill the screen
)
"""Names of recordings in a folder. A file that is named on the command line may be called anything."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording."""

    name: str
    """How people know it."""
    path: Path | None
    """None: standard input."""
    stem: str
    """What its texts are called, below their folder."""
    in_folder: bool = False
    """It was found in a folder."""


def find_recordings(arguments: Sequence[str]) -> tuple[list[Recording], list[str]]:
    """Return the recordings, in the order of the arguments, and a sentence for each argument that is none."""
    found: list[Recording] = []
    faults: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT:
            found.append(Recording("standard input", None, "stdin"))
        elif path.is_dir():
            inside = list(_in_folder(path))
            found += inside
            if not inside:
                faults.append(f"{argument}: there is no recording in this folder.")
        elif path.exists():
            found.append(Recording(argument, path, path.stem))
        else:
            faults.append(f"{argument}: there is no such file.")
    return found, faults


@contextmanager
def opened(recording: Recording) -> Iterator[Callable[[], Path]]:
    """Hold a recording; what it gives returns the file, and reads standard input to its end first.

    The reading alone may be left to a thread: whoever interrupts it removes the file. Both raise OSError.
    """
    if (path := recording.path) is not None:
        yield lambda: path
        return
    with tempfile.NamedTemporaryFile(prefix="govor-") as spooled:

        def read() -> Path:
            shutil.copyfileobj(sys.stdin.buffer, spooled)
            spooled.flush()
            return Path(spooled.name)

        yield read


def _in_folder(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if (
            path.suffix.lower() in SUFFIXES
            and path.is_file()
            and not any(part[0] == "." for part in inside.parts)
        ):
            yield Recording(str(path), path, "_".join(inside.with_suffix("").parts), in_folder=True)
