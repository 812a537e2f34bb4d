"""Finds the recordings for `govor transcribe`: files, all recordings of folders, standard input."""

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
"""Suffixes of recordings in a folder. A file that the command line names may have any suffix."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording."""

    name: str
    """Its name in messages."""
    path: Path | None
    """None: standard input."""
    stem: str
    """Name of its texts in the output folder, without suffix."""
    in_folder: bool = False
    """Whether it was found in a folder."""


def find_recordings(arguments: Sequence[str]) -> tuple[list[Recording], list[str]]:
    """Return the recordings, in the order of the arguments, and a message for each argument without one."""
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
    """Yield a function that returns the recording's file; for standard input, it reads to the end first.

    The function may run in a thread: the block itself removes the file of standard input, even if the read is
    interrupted. Both raise OSError.
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
