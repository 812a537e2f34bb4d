"""Functions for a plugin's `load`: they know which load they are called in. Standard library only."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TypeAlias

Report: TypeAlias = Callable[[float, str], None]

REPORT: ContextVar[Report | None] = ContextVar("REPORT", default=None)
"""Takes the progress of the load; None: no load is under way."""

DERIVED: ContextVar[Path | None] = ContextVar("DERIVED", default=None)
"""The folder for derived files, if it is not the model's own; None: it is."""


def report_progress(fraction: float, stage: str = "") -> None:
    """Report that `fraction` of the load is done, 0 to 1, and what it does now, as "reading the weights".

    For `load`, in its own thread, as often as it likes; users see it while they wait. Does nothing elsewhere.
    """
    report = REPORT.get()
    if report is not None:
        report(min(max(fraction, 0.0), 1.0), stage)


def derived_folder(folder: Path) -> Path:
    """Return the folder for files that `load` makes of the model's own and keeps for the next load.

    It is `folder`, that of the model's files, unless that is the operator's: then it is one of Govor's. It
    may be impossible to write there. For `load`, in its own thread.
    """
    return DERIVED.get() or folder
