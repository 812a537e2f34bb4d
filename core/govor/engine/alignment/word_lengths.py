"""Gives a length to words for which a model gave none, because clients show and cut by it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 0.02
"""Least length of a word in seconds: the step of Whisper's timestamps."""

NONE = 0.005
"""Length in seconds below which a word has no length once times are rounded."""

Span = tuple[float, float]


def lengthened(words: Sequence[Span], start: float, end: float) -> list[Span]:
    """Return the words in order, in seconds, each with a length if there is room from `start` to `end`.

    A word without length takes free time before it, then time of the words behind it or, if none follows, of
    the words before it. Other words stay as they are.
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
    """Move the start of words behind a grown one as far as needed."""
    for behind in range(place + 1, len(spans)):
        ends, (begins, last) = spans[behind - 1][1], spans[behind]
        if begins >= ends:
            return
        spans[behind] = ends, max(last, ends + LEAST)


def _within(spans: Sequence[Span], start: float, end: float) -> list[Span]:
    """Move words that grew beyond the end, and words in their way, to before the end."""
    moved, limit = list(spans), end
    for place in reversed(range(len(spans))):
        begins, ends = spans[place]
        if ends <= limit:
            break
        moved[place] = max(min(begins, limit - LEAST), start), max(limit, start)
        limit = moved[place][0]
    return moved
