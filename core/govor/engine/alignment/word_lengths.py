"""Words that a model gave no length get one: clients show and cut by it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 0.02
"""Seconds that a word lasts at least: the step of Whisper's clock."""

NONE = 0.005
"""Seconds under which a word has no length once times are rounded."""

Span = tuple[float, float]


def lengthened(words: Sequence[Span], start: float, end: float) -> list[Span]:
    """Return start and end of each word, in order, none without length as far as `start` to `end` has room.

    A word without length takes what is free before it, then what the next words have, or the ones before it
    where nothing follows. Other words stay as they are.
    """
    spans = list(words)
    grown = False
    for place, (begins, ends) in enumerate(words):
        free = spans[place - 1][1] if place else start
        begins, ends = max(begins, spans[place][0]), max(ends, spans[place][1])
        if ends - begins >= NONE:
            continue
        grown = True
        begins = max(min(free, begins), ends - LEAST)
        spans[place] = begins, begins + LEAST
        _push(spans, place)
    return _within(spans, start, end) if grown else spans


def _push(spans: list[Span], place: int) -> None:
    """Let the words behind a grown one begin later, as far as need be."""
    for behind in range(place + 1, len(spans)):
        ends, (begins, last) = spans[behind - 1][1], spans[behind]
        if begins >= ends:
            return
        spans[behind] = ends, max(last, ends + LEAST)


def _within(spans: Sequence[Span], start: float, end: float) -> list[Span]:
    """Move what grew beyond the end, and what is in the way, to before it."""
    moved, limit = list(spans), end
    for place in reversed(range(len(spans))):
        begins, ends = spans[place]
        if ends <= limit:
            break
        moved[place] = max(min(begins, limit - LEAST), start), max(limit, start)
        limit = moved[place][0]
    return moved
