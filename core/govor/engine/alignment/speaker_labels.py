"""Assigns words to speakers, by the turns of a diarizer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, groupby
from string import ascii_uppercase

import numpy as np

from govor.contract.diarization import SpeakerTurn
from govor.contract.results import Segment
from govor.formats.diarized import NamedTurn
from govor.formats.text import cut_at_words
from govor.formats.timeline import TimedWord, timed_words


class Speakers:
    """The turns of the speakers in one recording, under the names that responses have."""

    def __init__(self, turns: Sequence[SpeakerTurn], known: Sequence[str] = ()):
        """`known`: the names of the speakers 0, 1, …; the others are A, B, … in order of appearance."""
        letters = (name for name in _letters() if name not in known)
        names = dict(enumerate(known))
        for turn in turns:
            if turn.speaker not in names:
                names[turn.speaker] = next(letters)
        self._names = names
        self._someone = next(letters) if not turns else names[turns[0].speaker]
        self._turns = turns
        self._starts = np.array([turn.start for turn in turns])
        self._ends = np.array([turn.end for turn in turns])

    def turns(self) -> list[NamedTurn]:
        """Return all turns, in order of their start."""
        return [NamedTurn(turn.start, turn.end, self._names[turn.speaker]) for turn in self._turns]

    def split(self, segment: Segment) -> list[Segment]:
        """Return the segment in parts of one speaker each.

        A word belongs to the speaker with the largest part of it, at a tie to the speaker of the word before,
        in a pause to the nearest speaker. A segment without word times stays whole and belongs to the
        speaker with the largest part of it.
        """
        words = timed_words(segment.words)
        pieces = cut_at_words(segment.text, words)
        if not pieces:
            return [replace(segment, speaker=self._speaker(segment.start or 0.0, segment.end))]
        runs = [list(run) for _, run in groupby(self._owned(words, pieces), key=lambda item: item[0])]
        parts = [_part(segment, run) for run in runs]
        parts[0] = replace(parts[0], start=segment.start, tokens=segment.tokens)
        parts[-1] = replace(parts[-1], end=segment.end)
        return parts

    def _owned(
        self, words: Sequence[TimedWord], pieces: Sequence[str]
    ) -> Iterator[tuple[str, TimedWord, str]]:
        speaker = None
        for word, piece in zip(words, pieces, strict=True):
            speaker = self._speaker(word.start, word.end, speaker)
            yield speaker, word, piece

    def _speaker(self, start: float, end: float | None, before: str | None = None) -> str:
        if not self._turns:
            return self._someone
        shared = np.minimum(self._ends, start if end is None else end) - np.maximum(self._starts, start)
        if shared.max() <= 0:
            return self._names[self._turns[int(shared.argmax())].speaker]
        seconds: dict[str, float] = {}
        for at in np.flatnonzero(shared > 0).tolist():
            name = self._names[self._turns[at].speaker]
            seconds[name] = seconds.get(name, 0.0) + float(shared[at])
        longest = max(seconds.values())
        if before is not None and seconds.get(before, 0.0) >= longest:
            return before
        return max(seconds, key=seconds.__getitem__)


def _part(segment: Segment, run: Sequence[tuple[str, TimedWord, str]]) -> Segment:
    """Return one speaker's part, without tokens: `split` gives them all to the first part."""
    words = tuple(word for _, word, _ in run)
    return replace(
        segment,
        text="".join(piece for _, _, piece in run).strip(),
        start=words[0].start,
        end=words[-1].end,
        words=tuple(word.word for word in words),
        tokens=None if segment.tokens is None else (),
        speaker=run[0][0],
    )


def _letters() -> Iterator[str]:
    """Yield A to Z, then A2 to Z2 and so on."""
    yield from ascii_uppercase
    for number in count(2):
        yield from (f"{letter}{number}" for letter in ascii_uppercase)
