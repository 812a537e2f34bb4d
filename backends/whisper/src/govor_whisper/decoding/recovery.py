"""Speech without text, and text that nobody said: heard again alone, or left out.

Whisper skips a window whose text loops at every temperature, or writes one sentence over all of it, and
makes whole sentences of a tenth of a second. Here each segment is measured against the time that it has, and
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
"""Letters a second. espeak at 400 words a minute, more than anybody speaks, comes to 42."""

SLOWEST = 4.5
"""Letters a second of speech under which some of it may lack its text; slow readers come to 8."""

DENSE = 3
"""Letters that one of a script of syllables or words counts for; such scripts begin at U+2E80."""

FIRST_DENSE = "\u2e80"

HOLE = 4.0
"""Seconds without text that are looked into: pauses in what is joined as speech are of 2 s at most, and
detectors add 0.4 s of silence to both sides of each."""

LEAST_SPEECH = 2.0
"""Seconds of speech in them from which they are heard again: no laughter, no cough."""

PIECE = 3.0
"""Seconds of speech that are heard at once then, to the next pause: of a sentence that is said twice in a row
Whisper may write one."""

LONGEST_PIECE = 8.0
"""Seconds after which a piece ends without a pause."""

MORE = 1.3
"""How many times as much text a second hearing must give to take the place of the first one's."""

PAUSE_MS = 160


def letters(text: str) -> int:
    """Return how much there is to say, in letters of an alphabet.

    >>> letters("two words"), letters("你好")
    (9, 6)
    """
    return sum(DENSE if letter >= FIRST_DENSE else 1 for letter in text.strip())


@dataclass(slots=True)
class SpeechRecovery:
    """Watches the segments of one chunk of audio go by. Times are seconds from its start."""

    audio: NDArray[np.int16]
    """(samples,) at 16 kHz; as floats it would take twice the memory."""
    again: Callable[[govor.Audio], Iterable[Any]]
    """Decodes a piece of it alone: faster-whisper's segments, with None where others may go first."""
    told: float = 0.0
    """Until when everything is told."""
    _doubtful: list[Any] = field(default_factory=list)
    """Segments in hand that hold too little text for their length, or the same again and again."""

    def recovered(self, found: Iterable[Any]) -> Iterator[Any]:
        """Yield faster-whisper's segments in order, with what was lost, without what nobody can say."""
        for segment in found:
            if segment is None:
                yield None
            elif self._is_unspeakable(segment):
                continue
            elif _repeats(segment) or self._is_thin(segment):
                self._doubtful.append(segment)
            else:
                yield from self._settle(segment.start)
                yield self._tell(segment)
        yield from self._settle(self._end)

    @property
    def _end(self) -> float:
        return len(self.audio) / govor.SAMPLE_RATE

    def _is_unspeakable(self, segment: Any) -> bool:
        """Tell whether a segment has more text than anybody can say since the one before it."""
        before = self._doubtful[-1].end if self._doubtful else self.told
        seconds = min(segment.end, self._end) - min(segment.start, before)
        return bool(letters(segment.text) > FASTEST * seconds)

    def _is_thin(self, segment: Any) -> bool:
        seconds = min(segment.end, self._end) - segment.start
        return bool(seconds >= HOLE and letters(segment.text) < SLOWEST * seconds)

    def _tell(self, segment: Any) -> Any:
        self.told = max(self.told, segment.end)
        return segment

    def _settle(self, until: float) -> Iterator[Any]:
        """Yield what is said up to a time: the segments in hand or, if it gives more, a second hearing."""
        first, self._doubtful = self._doubtful, []
        if not first and until - self.told < HOLE:
            return
        written = sum(letters(segment.text) for segment in first)
        repeats = any(_repeats(segment) for segment in first)
        second = yield from self._heard(self.told, until, 0.0 if repeats else written / SLOWEST)
        more = sum(letters(segment.text) for segment in second)
        better = more > MORE * written or (repeats and 0 < MORE * more < written)
        for segment in second if better else first:
            yield self._tell(segment)

    def _heard(self, start: float, end: float, said: float = 0.0) -> Generator[None, None, list[Any]]:
        """Return the segments that a second hearing gives; None is yielded where others may go first.

        None of them, where no more than `said` seconds of speech and the least that counts are found there.
        """
        rate = govor.SAMPLE_RATE
        part = np.float32(1 / 32768) * self.audio[round(start * rate) : round(end * rate)]
        pieces = speech_pieces(part)
        if sum(last - first for first, last in pieces) < (said + LEAST_SPEECH) * rate:
            return []
        told: list[Any] = []
        for first, last in pieces:
            yield None
            for segment in self.again(part[first:last]):
                if segment is None:
                    yield None
                elif _is_said(segment, (last - first) / rate):
                    told.append(later(clipped(segment, (last - first) / rate), start + first / rate))
        return told


def speech_pieces(audio: govor.Audio) -> list[tuple[int, int]]:
    """Return the parts of (samples,) at 16 kHz in which speech is found, cut in pauses."""
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
    """Tell whether a segment of a piece so long is to be trusted."""
    length = min(segment.end, seconds) - segment.start
    return bool(segment.avg_logprob >= LEAST_PROBABLE and letters(segment.text) <= FASTEST / 2 * length)


def clipped(segment: Any, seconds: float) -> Any:
    """Return faster-whisper's segment with no time later than that."""
    words = segment.words and [
        replace(word, start=min(word.start, seconds), end=min(word.end, seconds)) for word in segment.words
    ]
    return replace(segment, start=min(segment.start, seconds), end=min(segment.end, seconds), words=words)


def as_integers(audio: govor.Audio) -> NDArray[np.int16]:
    """Return the same samples in 16 bits, as which nearly all recordings come."""
    integers = np.empty(len(audio), np.int16)
    for first in range(0, len(audio), WINDOW):  # a window at a time, to make no other copy of minutes
        part = audio[first : first + WINDOW] * 32768
        integers[first : first + WINDOW] = np.clip(np.rint(part), -32768, 32767)
    return integers
