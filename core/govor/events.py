"""What happens in the engine, told to those who look on: metrics, logs, traces. Knows none of them.

All is told in the event loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

MOST_STEPS = 64
"""Steps of one recording that are kept one by one: ten hours have thousands."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Timing:
    """When a chunk was queued and worked on, in seconds of the monotonic clock."""

    queued: float | None = None
    begun: float | None = None
    ended: float | None = None
    worked: float = 0.0
    """Seconds of a worker, its part where a call had several chunks."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the way of one recording, in seconds of the monotonic clock."""

    name: Literal["decode", "queue", "recognise"]
    begun: float
    ended: float


@dataclass(slots=True)
class Report:
    """What became of one recording; whole when it is told."""

    model: str
    task: str
    background: bool
    """It is a job's, which no request waits for."""
    outcome: str = "cancelled"
    """completed, cancelled, or the code of an error."""
    audio_seconds: float = 0.0
    decode_seconds: float = 0.0
    processing_seconds: float = 0.0
    """Seconds of workers."""
    wait_seconds: float | None = None
    """From the first chunk's being queued to its being worked on; None: it never was."""
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    steps: list[Step] = field(default_factory=list)

    def decoded(self, begun: float, seconds: float) -> None:
        """Reading took so long, the first time from `begun` on."""
        self.decode_seconds += seconds
        if not self.steps:
            self.steps.append(Step("decode", begun, begun + seconds))

    def recognised(self, timing: Timing) -> None:
        """A chunk is done, or will be no more."""
        self.processing_seconds += timing.worked
        if timing.queued is None or timing.begun is None:
            return
        if self.wait_seconds is None:
            self.wait_seconds = timing.begun - timing.queued
        if len(self.steps) < MOST_STEPS:
            self.steps.append(Step("queue", timing.queued, timing.begun))
            self.steps.append(Step("recognise", timing.begun, timing.ended or time.monotonic()))


class Observer:
    """Looks on; what a subclass does not care for it leaves out."""

    def transcribed(self, report: Report) -> None:
        """A recording is done with, in the context of the request that brought it."""

    def called(self, model: str, recordings: int, seconds: float) -> None:
        """A model has been called with so many chunks at once."""

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        """A model was loaded or reloaded, in so many seconds; or unloaded, expired, evicted, failed."""

    def fetched(self, model: str, outcome: str) -> None:
        """A download ended: completed, cancelled, or with an error's code."""


class Observers(Observer):
    """Tells several. One that fails is no reason for the engine to fail."""

    def __init__(self) -> None:
        self._all: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """Tell this one too."""
        self._all.append(observer)

    def transcribed(self, report: Report) -> None:
        self._tell(lambda observer: observer.transcribed(report))

    def called(self, model: str, recordings: int, seconds: float) -> None:
        self._tell(lambda observer: observer.called(model, recordings, seconds))

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        self._tell(lambda observer: observer.moved(what, model, seconds))

    def fetched(self, model: str, outcome: str) -> None:
        self._tell(lambda observer: observer.fetched(model, outcome))

    def _tell(self, how: Callable[[Observer], Any]) -> None:
        for observer in self._all:
            try:
                how(observer)
            except Exception:
                log.exception("An observer failed")
