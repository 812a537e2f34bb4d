"""Turn probabilities of speech into regions of speech, as the probabilities arrive.

The rules and their results are those of `faster_whisper.vad.get_speech_timestamps` (from Silero VAD), for
recordings of any length in constant memory. Knows nothing of audio or detectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE

HYSTERESIS = 0.15
"""How far below the threshold a probability must fall to count as silence."""

LOWEST_RELEASE = 0.01
"""Lowest threshold for silence, however low the threshold for speech."""

BREATH = round(0.098 * SAMPLE_RATE)
"""Samples. Speech that is too long is cut in a pause longer than this, if it has one."""


@dataclass(frozen=True, slots=True)
class SpeechRules:
    """Rules for regions of speech. Durations are in seconds and rounded to whole samples."""

    threshold: float = 0.5
    """Least probability of a frame of speech."""
    silence: float = 2.0
    """How long a pause must last to end a region."""
    padding: float = 0.4
    """Silence kept on both sides of the speech; two neighbours share a gap that is too short for both."""
    minimum: float = 0.0
    """Speech that lasts no longer than this, before padding, is dropped."""
    release: float | None = None
    """Probability below which a frame is silence; None: `HYSTERESIS` below the threshold."""
    longest: float = math.inf
    """Longer regions are cut, looking back: for lists of regions, not for cutting speech as it arrives."""


@dataclass(frozen=True, slots=True)
class Region:
    """Samples from `start` up to, not including, `end` that contain speech."""

    start: int
    end: int


class SpeechFinder:
    """Finds the regions of one recording. Regions come in order, never overlap and never change."""

    def __init__(self, rules: SpeechRules, frame: int):
        """`frame` is the number of samples that one probability stands for."""
        self._threshold = rules.threshold
        usual = max(rules.threshold - HYSTERESIS, LOWEST_RELEASE)
        self._release = usual if rules.release is None else rules.release
        self._silence = round(rules.silence * SAMPLE_RATE)
        self._padding = round(rules.padding * SAMPLE_RATE)
        self._minimum = round(rules.minimum * SAMPLE_RATE)
        self._frame = frame
        self._longest = rules.longest * SAMPLE_RATE - frame - 2 * self._padding
        self._seen = 0  # end of all probabilities so far, in samples
        self._start: int | None = None  # start of the open speech
        self._fell: int | None = None  # start of the pause that may end it
        self._pause = self._resumed = 0  # the last pause that it can be cut in, and where speech went on
        self._inside: int | None = None  # padded start of the open speech, once it cannot be dropped
        self._ended: Region | None = None  # padded at its start only: a neighbour may still come close
        self._final: list[Region] = []

    def add(self, probabilities: NDArray[np.float32]) -> list[Region]:
        """Return the regions that become final with these frames."""
        # Compared as arrays, so that the thresholds are rounded to the probabilities' own precision.
        loud = (probabilities >= self._threshold).tolist()
        quiet = (probabilities < self._release).tolist()
        for is_loud, is_quiet in zip(loud, quiet, strict=True):
            self._step(is_loud, is_quiet)
            self._settle()
        return self._take()

    def finish(self, total_samples: int) -> list[Region]:
        """Return the last regions of a recording of this length; its last frame may end with zeros."""
        if self._start is not None:
            self._close(total_samples)
        if self._ended is not None:
            self._emit(self._ended, min(self._padding, total_samples - self._ended.end))
        return self._take()

    @property
    def inside(self) -> int | None:
        """Start of the open region; None if there is none, or it may still be dropped."""
        return self._inside

    @property
    def certain_end(self) -> int:
        """Sample up to which the open region certainly extends."""
        return self._certain() if self._fell is None else self._fell

    @property
    def keep_from(self) -> int:
        """First sample that a region not yet returned may contain."""
        if self._inside is not None:
            return self._inside
        if self._ended is not None:
            return self._ended.start
        return max(0, self._earliest_start() - self._padding)

    def _step(self, loud: bool, quiet: bool) -> None:
        here = self._seen
        self._seen += self._frame
        if loud:
            if self._fell is not None and self._resumed < self._pause:
                self._resumed = here
            self._fell = None
            if self._start is None:
                self._start = here
                return
        if self._start is not None and here - self._start > self._longest and not self._cut(here):
            return
        if quiet and self._start is not None:
            if self._fell is None:
                self._fell = here
            if here - self._fell > BREATH:
                self._pause = self._fell
            if here - self._fell >= self._silence:
                self._close(self._fell)

    def _cut(self, here: int) -> bool:
        """End the open speech in its last pause, else here; return whether in a pause."""
        pause, resumed = self._pause, self._resumed
        self._close(pause or here)
        if pause and resumed >= pause:
            self._start = resumed
        return bool(pause)

    def _settle(self) -> None:
        """Emit regions that no later frame can change."""
        certain = self._certain()
        if self._start is not None:
            self._confirm(self.certain_end)
        if self._ended is None:
            return
        gap = self._earliest_start() - self._ended.end
        if gap >= 2 * self._padding and certain >= self._ended.end + self._padding:
            self._emit(self._ended, self._padding)

    def _close(self, end: int) -> None:
        self._confirm(end)
        if self._inside is not None:
            self._ended = Region(self._inside, end)
        self._start = self._fell = self._inside = None
        self._pause = self._resumed = 0

    def _confirm(self, end: int) -> None:
        """Keep the open speech if it is long enough when it ends at `end` or later."""
        if self._inside is not None or self._start is None or end - self._start <= self._minimum:
            return
        padding = self._padding
        if self._ended is not None:
            padding = min(padding, (self._start - self._ended.end) // 2)
            self._emit(self._ended, padding)
        self._inside = max(0, self._start - padding)

    def _certain(self) -> int:
        """Number of samples that certainly exist: the last frame may be filled with zeros."""
        return self._seen - self._frame

    def _earliest_start(self) -> int:
        return self._seen if self._start is None else self._start

    def _emit(self, ended: Region, padding: int) -> None:
        self._final.append(Region(ended.start, ended.end + padding))
        self._ended = None

    def _take(self) -> list[Region]:
        final, self._final = self._final, []
        return final
