"""The pause after a failed load, and its end in the answer."""

from __future__ import annotations

import pytest

from govor.engine.model_pool.load_backoff import LoadBackoff
from govor.errors import BackendUnavailable, GovorError, LoadFailed


def raised(failures: LoadBackoff) -> GovorError | None:
    try:
        failures.check("model")
    except GovorError as error:
        return error
    return None


def test_a_lost_model_says_when_to_come_again() -> None:
    now = 100.0
    failures = LoadBackoff(pause=2.0, clock=lambda: now)
    failures.add("model", BackendUnavailable("The service is away."))
    failures.add("model", BackendUnavailable("The service is away."))
    now += 1.0
    error = raised(failures)
    assert error is not None
    assert error.retry_after == pytest.approx(3.0), "of a pause of 4 s"
    now += 3.0
    assert raised(failures) is None


def test_a_model_that_cannot_be_loaded_promises_nothing() -> None:
    failures = LoadBackoff(pause=2.0, clock=lambda: 0.0)
    failures.add("model", LoadFailed("The file is damaged."))
    error = raised(failures)
    assert error is not None
    assert error.retry_after is None
