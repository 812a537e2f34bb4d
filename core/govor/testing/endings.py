"""The end of a process of the suite: by itself, by a signal, or because it hangs."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.1
GRACE_SECONDS = 5.0
"""Time for a hanging process to print where it hangs."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a process."""

    status: int
    """Exit status; negative: ended by this signal."""
    said: str
    hung_seconds: float | None
    """Seconds in one stage after which it was ended; None: it ended by itself."""


def run_watched(command: Sequence[str], folder: Path, stage_seconds: float) -> Ending:
    """Run a process to its end, or until `stage_seconds` have passed without a new result."""
    said = folder / "said.txt"
    with (
        said.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as process,  # noqa: S603
    ):
        try:
            hung = not _comes_to_its_end(process, folder, stage_seconds)
            if hung:
                process.send_signal(signal.SIGABRT)  # faulthandler then prints where each thread is
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE_SECONDS)
        finally:
            process.kill()
        status = process.wait()
    text = said.read_text(encoding="utf-8", errors="replace")
    return Ending(status, text, stage_seconds if hung else None)


def _comes_to_its_end(process: subprocess.Popen[bytes], folder: Path, stage_seconds: float) -> bool:
    noted, since = _noted(folder), time.monotonic()
    while time.monotonic() - since < stage_seconds:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)
            return True
        if (now := _noted(folder)) != noted:
            noted, since = now, time.monotonic()
    return False


def _noted(folder: Path) -> dict[str, int]:
    """Return when each result was written; a further process writes that of loading again."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
