"""A fake model that only streams: its text is the seconds that it was fed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import cast

import numpy as np

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Capability, Options, RecognizerInfo
from govor.contract.results import Segment
from govor.contract.streaming import RecognizerStream, Update
from govor.testing.fakes import QUIET, pass_gate


class FakeStream:
    """A stream of `FakeStreaming`: the seconds since its last final segment, if any sample was loud."""

    def __init__(self, final_seconds: float):
        self.closed = False
        self._final_seconds = final_seconds
        self._seconds = self._since = 0.0
        self._is_loud = False

    def feed(self, audio: Audio) -> Update:
        """Take the next samples."""
        assert not self.closed, "a closed stream was fed"
        self._seconds += len(audio) / SAMPLE_RATE
        self._is_loud = self._is_loud or bool(np.abs(audio).max(initial=0.0) > QUIET)
        final = []
        while self._is_loud and self._seconds - self._since >= self._final_seconds:
            final.append(self._segment(self._since + self._final_seconds))
            self._since = final[-1].end or 0.0
        rest = self.rest()
        return Update(tuple(final), rest[0] if rest else None)

    def rest(self) -> list[Segment]:
        """Return the segment that is not final, if there is one."""
        assert not self.closed, "a closed stream was finished"
        return [self._segment(self._seconds)] if self._is_loud and self._seconds > self._since else []

    def close(self) -> None:
        assert not self.closed, "a stream was closed twice"
        self.closed = True

    def _segment(self, end: float) -> Segment:
        return Segment(f"{end - self._since:.1f} seconds", self._since, end)


class FakeStreaming:
    """A loaded model without `transcribe`. A segment of a stream is final after `final_seconds`.

    Set `gate` to hold calls of `advance` back until the test opens it, `failure` to make them raise.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        parallel: int = 1,
        batch: int = 1,
        final_seconds: float = 60.0,
        gate: threading.Event | None = None,
        failure: Exception | None = None,
    ):
        self.spec = spec
        self.info = RecognizerInfo(
            parallel=parallel, batch=batch, cores=0, capabilities=frozenset({Capability.STREAM})
        )
        self.gate = gate
        self.failure = failure
        self.streams: list[FakeStream] = []
        """All streams that were opened."""
        self.advanced: list[int] = []
        """Number of streams in each call of `advance`."""
        self.finished: list[int] = []
        """Number of streams in each call of `finish`."""
        self.begun = threading.Semaphore(0)
        """Released once by each call of `advance`, before the gate."""
        self.closed = 0
        """Number of calls of `close`."""
        self._final_seconds = final_seconds

    def open(self, options: Options) -> FakeStream:
        self.streams.append(FakeStream(self._final_seconds))
        return self.streams[-1]

    def advance(self, fed: Sequence[tuple[RecognizerStream, Audio]]) -> list[Update]:
        self.advanced.append(len(fed))
        self.begun.release()
        pass_gate(self.gate)
        if self.failure is not None:
            raise self.failure
        return [cast("FakeStream", stream).feed(audio) for stream, audio in fed]

    def finish(self, streams: Sequence[RecognizerStream]) -> list[list[Segment]]:
        self.finished.append(len(streams))
        return [cast("FakeStream", stream).rest() for stream in streams]

    def close(self) -> None:
        assert all(stream.closed for stream in self.streams), "a stream is open when its model is closed"
        self.closed += 1
