"""Diarization error rate: the share of speech that is missed, invented or assigned to the wrong speaker.

As NIST defines it, without a collar; overlapping speech counts for each speaker.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Span(NamedTuple):
    """One speaker speaks from `start` to `end` in seconds."""

    start: float
    end: float
    speaker: Hashable


class ErrorRate(NamedTuple):
    """Shares of the speech in the reference."""

    missed: float
    invented: float
    confused: float

    @property
    def total(self) -> float:
        return self.missed + self.invented + self.confused


def error_rate(reference: Sequence[Span], found: Sequence[Span]) -> ErrorRate:
    """Compare, under the best assignment of found speakers to true ones."""
    rows = sorted({span.speaker for span in reference}, key=str)
    columns = sorted({span.speaker for span in found}, key=str)
    shared = np.zeros((len(rows), len(columns)))
    speech = missed = invented = either = 0.0
    for seconds, real, heard in _slices(reference, found):
        speech += seconds * len(real)
        missed += seconds * max(len(real) - len(heard), 0)
        invented += seconds * max(len(heard) - len(real), 0)
        either += seconds * min(len(real), len(heard))
        for speaker in real:
            for other in heard:
                shared[rows.index(speaker), columns.index(other)] += seconds
    confused = either - _best_naming(shared)
    return ErrorRate(missed / speech, invented / speech, confused / speech)


def named_rightly(reference: Sequence[Span], found: Sequence[Span]) -> float:
    """Return the share of the reference's speech with any found speaker that has the right name."""
    right = heard_at_all = 0.0
    for seconds, real, heard in _slices(reference, found):
        heard_at_all += seconds * len(real) * bool(heard)
        right += seconds * len(real & heard)
    return right / heard_at_all


def _slices(
    reference: Sequence[Span], found: Sequence[Span]
) -> Iterator[tuple[float, set[Hashable], set[Hashable]]]:
    """Yield spans of time without a change of speakers: seconds, true speakers, found speakers."""
    edges = sorted({edge for span in (*reference, *found) for edge in (span.start, span.end)})
    for start, end in pairwise(edges):
        yield end - start, _speaking(reference, start, end), _speaking(found, start, end)


def _speaking(spans: Sequence[Span], start: float, end: float) -> set[Hashable]:
    return {span.speaker for span in spans if span.start <= start and end <= span.end}


def _best_naming(shared: np.ndarray) -> float:
    """Return the most seconds that pairs of rows and columns share, with each in at most one pair."""
    best = {0: 0.0}  # by the set of rows used, as bits
    for column in shared.T:
        for used, seconds in list(best.items()):
            for row, more in enumerate(column.tolist()):
                if not used >> row & 1:
                    with_it = used | 1 << row
                    best[with_it] = max(best.get(with_it, 0.0), seconds + more)
    return max(best.values())
