"""Progress bars of `govor transcribe`: of the model's load, and of each recording."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
)
from rich.text import Text

from govor.plain import escape


class RemainingTime(ProgressColumn):
    """The time that the rest takes if it goes on as it has gone since the bar began.

    A recording moves in steps of many seconds, so the speed of the last step says nothing.
    """

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """Return the time as minutes and seconds, or a dash before the first step."""
        if not task.total or not task.completed or task.elapsed is None:
            return Text("-:--", style="progress.remaining")
        left = task.elapsed * (task.total - task.completed) / task.completed
        return Text(f"{left // 60:.0f}:{left % 60:02.0f}", style="progress.remaining")


class Bar:
    """One bar on stderr, if it is a terminal; removed when the block ends."""

    def __init__(self, title: str):
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            RemainingTime(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._bar = self._progress.add_task(escape(title), total=None)

    def __enter__(self) -> Bar:
        self._progress.__enter__()
        self._progress.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def move(self, done: float, total: float | None) -> None:
        """Show that `done` of `total` is done; None or 0: the total is unknown."""
        self._progress.update(self._bar, completed=min(done, total or done), total=total or None)

    @contextmanager
    def hidden(self, wanted: bool) -> Iterator[None]:
        """Hide the bar during the block, if `wanted`."""
        if not wanted or self._progress.disable:
            yield
            return
        self._progress.stop()
        yield
        self._progress.start()

    def rename(self, title: str) -> None:
        """Show another title."""
        self._progress.update(self._bar, description=escape(title))
