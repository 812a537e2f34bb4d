"""Find what is wrong with the shape of what a plugin returned, each fault with its remedy. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from govor.contract.results import Segment


def result_fault(given: object, count: int) -> str:
    """Return the fault of a result of `transcribe` for so many arrays; "": none."""
    if given is None:
        return "transcribe() returned None: end it with `return` and a list of lists of govor.Segment"
    if inspect.iscoroutine(given):
        given.close()
        return "transcribe() is `async`: write it with `def`, it runs in a thread of its own"
    if inspect.isgenerator(given) or inspect.isasyncgen(given):
        return "transcribe() is a generator, as it has a `yield`: return a list of lists of govor.Segment"
    if isinstance(given, Segment):
        return "transcribe() returned one Segment: return a list with a list of segments for each array"
    if not isinstance(given, Sequence) or isinstance(given, str):
        return f"transcribe() returned {given!r:.80}: return a list of lists of govor.Segment"
    if len(given) != count:
        return f"transcribe() was given {count} arrays and gave {len(given)} results: give a list for each"
    return next((fault for own in given if (fault := _array_fault(own))), "")


def _array_fault(own: object) -> str:
    """Return the fault of the result for one array; "": none."""
    if isinstance(own, Segment):
        return "transcribe() gave a Segment for an array: give a list of them; it is empty for silence"
    if not isinstance(own, Sequence) or isinstance(own, str):
        return f"transcribe() gave {own!r:.80} for an array, not a list of govor.Segment"
    for segment in own:
        if not isinstance(segment, Segment):
            return f"transcribe() gave {segment!r:.80}, not a govor.Segment"
        if not isinstance(segment.text, str):
            return f"transcribe() gave a Segment with the text {segment.text!r:.80}: write a str"
    return ""
