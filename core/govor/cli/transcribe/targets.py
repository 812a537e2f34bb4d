"""Chooses the output file of each text of each recording, before the work begins."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from govor.cli.terminal.say import say
from govor.cli.transcribe.recordings import Recording
from govor.errors import InvalidParam
from govor.formats.rendering.known_formats import Formats

Targets = list[tuple[str, Path | None]]
"""Pairs of a format and its file; None: standard output."""


def choose_targets(
    output: str | None, recordings: Sequence[Recording], names: Sequence[str], formats: Formats
) -> list[Targets]:
    """Return each recording's targets, by format. Raises InvalidParam if they cannot be made, or collide.

    A folder that --output names is made, with a message; its parent must exist.
    """
    if output in (None, "-"):
        if len(names) > 1:
            raise InvalidParam(f"{len(names)} formats need files: say where with --output.")
        if not formats.is_text(names[0]) and (len(recordings) > 1 or sys.stdout.isatty()):
            raise InvalidParam(f"{names[0]} needs a file: say where with --output.")
        return [[(names[0], None)] for _ in recordings]
    assert output is not None
    target = Path(output)
    single = len(recordings) == 1 and not recordings[0].in_folder
    if single and not output.endswith("/") and not target.is_dir():
        _check_folder(target.parent)
        return [_beside(target, names, formats)]
    for stem, number in Counter(recording.stem for recording in recordings).items():
        if number > 1:
            raise InvalidParam(
                f"{number} of the files are named '{stem}' and would overwrite each other's output."
            )
    targets = [_named(target / recording.stem, names, formats) for recording in recordings]
    _check_apart(recordings, targets)
    _make(target)
    return targets


def check_target(recording: Recording, targets: Targets, *, force: bool) -> None:
    """Raise InvalidParam if a file would be overwritten."""
    for _, path in targets:
        if path is None or not path.exists():
            continue
        if recording.path is not None and path.samefile(recording.path):
            raise InvalidParam(f"{path} is the recording itself and would be overwritten.")
        if path.is_file() and not force:
            raise InvalidParam(f"{path} is there already; --force overwrites it.")


def _beside(target: Path, names: Sequence[str], formats: Formats) -> Targets:
    """Return the file itself or, for several formats, files that differ in their suffix."""
    if len(names) == 1:
        return [(names[0], target)]
    known = target.suffix in map(formats.suffix, formats)
    return _named(target.with_suffix("") if known else target, names, formats)


def _named(stem: Path, names: Sequence[str], formats: Formats) -> Targets:
    targets: Targets = []
    for name in names:
        suffix = formats.suffix(name)
        if any(path is not None and path.name == stem.name + suffix for _, path in targets):
            suffix = f".{name}{suffix}"
        targets.append((name, stem.with_name(stem.name + suffix)))
    return targets


def _check_apart(recordings: Sequence[Recording], targets: Sequence[Targets]) -> None:
    first: dict[Path, str] = {}
    for recording, own in zip(recordings, targets, strict=True):
        for _, path in own:
            if path is not None and first.setdefault(path, recording.name) != recording.name:
                raise InvalidParam(
                    f"{path} would be a text of both {first[path]} and {recording.name}; "
                    "write them to two folders."
                )


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InvalidParam(f"There is no folder {folder}; make it first, or see that it is spelled right.")


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _check_folder(folder.parent)
    try:
        folder.mkdir()
    except OSError as error:
        raise InvalidParam(f"The folder {folder} cannot be made: {error.strerror}.") from error
    say(f"govor: made the folder {folder}", err=True)
