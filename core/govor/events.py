"""Events of the engine, for its observers: metrics, logs, traces. Knows none of them.

All methods are called in the event loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

MOST_STEPS = 64
"""Most steps of one recording that are kept one by one: ten hours have thousands."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Timing:
    """When a chunk was queued and worked on, in seconds of the monotonic clock."""

    queued: float | None = None
    begun: float | None = None
    ended: float | None = None
    worked: float = 0.0
    """Worker seconds; the chunk's share if a call had several chunks."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the transcription of a recording, in seconds of the monotonic clock."""

    name: Literal["decode", "queue", "recognise"]
    begun: float
    ended: float


@dataclass(slots=True)
class Report:
    """The result and the times of one recording; complete when observers get it."""

    model: str
    task: str
    background: bool
    """Whether it belongs to a job, so that no client waits for it."""
    outcome: str = "cancelled"
    """"completed", "cancelled", or the code of an error."""
    audio_seconds: float = 0.0
    decode_seconds: float = 0.0
    processing_seconds: float = 0.0
    """Worker seconds."""
    wait_seconds: float | None = None
    """Seconds from queueing the first chunk to the start of its work; None: it never started."""
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    steps: list[Step] = field(default_factory=list)

    def decoded(self, begun: float, seconds: float) -> None:
        """Add `seconds` of decoding; the first call records a step that began at `begun`."""
        self.decode_seconds += seconds
        if not self.steps:
            self.steps.append(Step("decode", begun, begun + seconds))

    def recognised(self, timing: Timing) -> None:
        """Add the times of a chunk that is done or cancelled."""
        self.processing_seconds += timing.worked
        if timing.queued is None or timing.begun is None:
            return
        if self.wait_seconds is None:
            self.wait_seconds = timing.begun - timing.queued
        if len(self.steps) < MOST_STEPS:
            self.steps.append(Step("queue", timing.queued, timing.begun))
            self.steps.append(Step("recognise", timing.begun, timing.ended or time.monotonic()))


class Observer:
    """Base of all observers; a subclass overrides the events that it needs."""

    def transcribed(self, report: Report) -> None:
        """A transcription has ended. Called in the context of its request."""

    def called(self, model: str, recordings: int, seconds: float) -> None:
        """A model was called with so many chunks at once."""

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        """A model was loaded or reloaded in `seconds`, or unloaded, expired, evicted, or failed to load."""

    def loading(self, model: str, fraction: float, stage: str) -> None:
        """The load of a model has reported its progress, 0 to 1, and what it does now."""

    def fetched(self, model: str, outcome: str) -> None:
        """A download ended: completed, cancelled, or with an error's code."""


class Observers(Observer):
    """Passes each event to several observers. If one raises, the engine goes on."""

    def __init__(self) -> None:
        self._all: list[Observer] = []

    def add(self, observer: Observer) -> None:
        self._all.append(observer)

    def transcribed(self, report: Report) -> None:
        self._tell(lambda observer: observer.transcribed(report))

    def called(self, model: str, recordings: int, seconds: float) -> None:
        self._tell(lambda observer: observer.called(model, recordings, seconds))

    def moved(self, what: str, model: str, seconds: float | None) -> None:
        self._tell(lambda observer: observer.moved(what, model, seconds))

    def loading(self, model: str, fraction: float, stage: str) -> None:
        self._tell(lambda observer: observer.loading(model, fraction, stage))

    def fetched(self, model: str, outcome: str) -> None:
        self._tell(lambda observer: observer.fetched(model, outcome))

    def _tell(self, how: Callable[[Observer], Any]) -> None:
        for observer in self._all:
            try:
                how(observer)
            except Exception:
                log.exception("An observer failed")
