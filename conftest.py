"""For the tests of the core and of the backends: what should run and is skipped, fails."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from support.skips import fault_of


def _judged(report: Any) -> Any:
    """Turn a skip that should not be into a failure."""
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        fault = fault_of(str(report.longrepr[2]))
        if fault:
            report.outcome, report.longrepr = "failed", f"{report.nodeid}: {fault}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """One phase of one test."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module, which may be skipped as a whole."""
    return _judged((yield))
