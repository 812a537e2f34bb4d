"""Progress bars of a download: one per file and, for several files, one for all, with speed and time left."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column

from govor.cli.terminal.table import megabytes
from govor.models.download.progress import FileProgress
from govor.plain import escape

MOST_BARS = 8
"""Number of the largest files that have a bar of their own."""
LEAST_SECONDS = 1.0  # the speed of a shorter download means nothing


class Bars:
    """Progress bars on stderr, if it is a terminal."""

    def __init__(self, title: str):
        self._title = title
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(max_width=26, no_wrap=True)),
            BarColumn(bar_width=max(8, min(30, console.width - 66))),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}
        self._began = time.monotonic()
        self._before: int | None = None
        self._done = 0

    def __enter__(self) -> Bars:
        self._progress.__enter__()
        self._all = self._progress.add_task(escape(self._title), total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
        self._seconds = time.monotonic() - self._began

    def show(self, files: list[FileProgress]) -> None:
        """Show the progress of the files."""
        if not files:
            return
        self._done = sum(file.done for file in files)
        if self._before is None:
            self._before = self._done
        known = all(file.size for file in files)
        total = sum(file.size for file in files) if known else None
        self._progress.update(self._all, completed=self._done, total=total)
        if len(files) > 1:
            for file in sorted(files, key=lambda file: -file.size)[:MOST_BARS]:
                self._show_one(file)

    def summary(self) -> str:
        """Return size and speed of the download for the final line; "" if it was short or empty."""
        fetched = self._done - (self._before or 0)
        if self._seconds < LEAST_SECONDS or not fetched:
            return ""
        return f" ({megabytes(fetched)} in {self._seconds:.0f} s, {fetched / 1e6 / self._seconds:.1f} MB/s)"

    def _show_one(self, file: FileProgress) -> None:
        if file.name not in self._bars:
            self._bars[file.name] = self._progress.add_task(f"  {escape(file.name)}", total=file.size or None)
        self._progress.update(self._bars[file.name], completed=file.done, total=file.size or None)
