"""Decode speech without text again, and leave out text without speech.

Whisper skips a window whose text loops at every temperature, or writes one sentence over all of it, and
makes whole sentences of a tenth of a second. Here each segment is measured against its duration, and
against the speech that the voice detector finds there. Imports faster-whisper.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps  # type: ignore[import-untyped]
from numpy.typing import NDArray

import govor
from govor_whisper.decoding.batched import LEAST_PROBABLE, MOST_REPETITIVE, WINDOW, later

FASTEST = 60.0
"""Most letters a second. espeak at 400 words a minute, more than anybody speaks, has 42."""

SLOWEST = 4.5
"""Letters a second of speech below which some of its text may be missing; slow readers have 8."""

DENSE = 3
"""Letters that a character of a script of syllables or words counts for; such scripts begin at U+2E80."""

FIRST_DENSE = "\u2e80"

HOLE = 4.0
"""Least seconds without text that are examined: pauses in joined speech are of 2 s at most, and
detectors add 0.4 s of silence to both sides of each.
"""

LEAST_SPEECH = 2.0
"""Least seconds of speech in them that are decoded again: laughter and coughs are shorter."""

PIECE = 3.0
"""Seconds of speech that are then decoded at once, to the next pause: of a sentence that is repeated at once,
Whisper may write one.
"""

LONGEST_PIECE = 8.0
"""Seconds after which a piece ends without a pause."""

MORE = 1.3
"""How many times as much text the second result must have to replace the first."""

PAUSE_MS = 160


def letters(text: str) -> int:
    """Return the length of a text in letters of an alphabet.

    >>> letters("two words"), letters("你好")
    (9, 6)
    """
    return sum(DENSE if letter >= FIRST_DENSE else 1 for letter in text.strip())


@dataclass(slots=True)
class SpeechRecovery:
    """Checks the segments of one chunk of audio. Times are seconds from its start."""

    audio: NDArray[np.int16]
    """(samples,) at 16 kHz; as floats it would take twice the memory."""
    again: Callable[[govor.Audio], Iterable[Any]]
    """Decodes a piece alone: yields faster-whisper's segments, and None if others may go first."""
    yielded_until: float = 0.0
    """End of the yielded segments."""
    _doubtful: list[Any] = field(default_factory=list)
    """Segments not yet yielded that hold too little text for their length, or repeat themselves."""

    def recovered(self, found: Iterable[Any]) -> Iterator[Any]:
        """Yield faster-whisper's segments in order, with lost speech, without impossible text."""
        for segment in found:
            if segment is None:
                yield None
            elif self._is_unspeakable(segment):
                continue
            elif _repeats(segment) or self._is_thin(segment):
                self._doubtful.append(segment)
            else:
                yield from self._settle(segment.start)
                yield self._passed(segment)
        yield from self._settle(self._end)

    @property
    def _end(self) -> float:
        return len(self.audio) / govor.SAMPLE_RATE

    def _is_unspeakable(self, segment: Any) -> bool:
        """Tell whether a segment has more text than anybody can say since the one before it."""
        before = self._doubtful[-1].end if self._doubtful else self.yielded_until
        seconds = min(segment.end, self._end) - min(segment.start, before)
        return bool(letters(segment.text) > FASTEST * seconds)

    def _is_thin(self, segment: Any) -> bool:
        seconds = min(segment.end, self._end) - segment.start
        return bool(seconds >= HOLE and letters(segment.text) < SLOWEST * seconds)

    def _passed(self, segment: Any) -> Any:
        self.yielded_until = max(self.yielded_until, segment.end)
        return segment

    def _settle(self, until: float) -> Iterator[Any]:
        """Yield the segments up to a time, or if it has more text, the second result."""
        first, self._doubtful = self._doubtful, []
        if not first and until - self.yielded_until < HOLE:
            return
        written = sum(letters(segment.text) for segment in first)
        repeats = any(_repeats(segment) for segment in first)
        second = yield from self._decoded_again(
            self.yielded_until, until, 0.0 if repeats else written / SLOWEST
        )
        more = sum(letters(segment.text) for segment in second)
        better = more > MORE * written or (repeats and 0 < MORE * more < written)
        for segment in second if better else first:
            yield self._passed(segment)

    def _decoded_again(self, start: float, end: float, said: float = 0.0) -> Generator[None, None, list[Any]]:
        """Return the segments of a second decoding; None is yielded at points where others may go first.

        Returns no segment if the speech found there is no longer than `said` seconds and the least that
        counts.
        """
        rate = govor.SAMPLE_RATE
        part = np.float32(1 / 32768) * self.audio[round(start * rate) : round(end * rate)]
        pieces = speech_pieces(part)
        if sum(last - first for first, last in pieces) < (said + LEAST_SPEECH) * rate:
            return []
        segments: list[Any] = []
        for first, last in pieces:
            yield None
            for segment in self.again(part[first:last]):
                if segment is None:
                    yield None
                elif _is_said(segment, (last - first) / rate):
                    segments.append(later(clipped(segment, (last - first) / rate), start + first / rate))
        return segments


def speech_pieces(audio: govor.Audio) -> list[tuple[int, int]]:
    """Return the parts of (samples,) at 16 kHz that contain speech, cut in pauses."""
    options = VadOptions(max_speech_duration_s=LONGEST_PIECE, min_silence_duration_ms=PAUSE_MS)
    pieces: list[tuple[int, int]] = []
    for speech in get_speech_timestamps(audio, options):
        first, last = speech["start"], speech["end"]
        start, end = pieces[-1] if pieces else (-len(audio), last)
        if end - start < PIECE * govor.SAMPLE_RATE and last - start <= LONGEST_PIECE * govor.SAMPLE_RATE:
            pieces[-1] = (start, last)
        else:
            pieces.append((first, last))
    return pieces


def _repeats(segment: Any) -> bool:
    """Tell whether the text of a segment's window repeats itself."""
    return bool(segment.compression_ratio > MOST_REPETITIVE)


def _is_said(segment: Any, seconds: float) -> bool:
    """Tell whether a segment of a piece of this length is reliable."""
    length = min(segment.end, seconds) - segment.start
    return bool(segment.avg_logprob >= LEAST_PROBABLE and letters(segment.text) <= FASTEST / 2 * length)


def clipped(segment: Any, seconds: float) -> Any:
    """Return faster-whisper's segment with its times limited to `seconds`."""
    words = segment.words and [
        replace(word, start=min(word.start, seconds), end=min(word.end, seconds)) for word in segment.words
    ]
    return replace(segment, start=min(segment.start, seconds), end=min(segment.end, seconds), words=words)


def as_integers(audio: govor.Audio) -> NDArray[np.int16]:
    """Return the samples in 16 bits, the format of nearly all recordings."""
    integers = np.empty(len(audio), np.int16)
    for first in range(0, len(audio), WINDOW):  # a window at a time, to make no second copy of minutes
        part = audio[first : first + WINDOW] * 32768
        integers[first : first + WINDOW] = np.clip(np.rint(part), -32768, 32767)
    return integers
