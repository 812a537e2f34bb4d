"""The time that a progress bar shows for the rest."""

from __future__ import annotations

import pytest
from rich.progress import Progress

from govor.cli.transcribe.progress_bars import RemainingTime


@pytest.mark.parametrize(("done", "shown"), [(0, "-:--"), (11, "8:05"), (50, "1:00"), (100, "0:00")])
def test_the_rest_takes_as_long_as_what_is_done_took(done: int, shown: str) -> None:
    now = 0.0
    progress = Progress(RemainingTime(), get_time=lambda: now, disable=True)
    task = progress.add_task("long.wav", total=100)
    progress.update(task, completed=1)  # one jump at once says nothing of the next minute
    progress.update(task, completed=done)
    now = 60.0
    assert RemainingTime().render(progress.tasks[0]).plain == shown


def test_an_unknown_length_has_no_end() -> None:
    progress = Progress(RemainingTime(), disable=True)
    progress.add_task("stream", total=None, completed=7)
    assert RemainingTime().render(progress.tasks[0]).plain == "-:--"
