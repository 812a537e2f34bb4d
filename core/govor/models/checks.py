"""Find what is wrong with the shape of what a plugin returned, each as a clause with its remedy. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from govor.contract.recognizers import Capability, RecognizerInfo
from govor.contract.results import Segment
from govor.contract.streaming import Update

METHODS = {
    Capability.LONG_FORM: ("transcribe_long",),
    Capability.DETECT: ("detect",),
    Capability.STREAM: ("open", "advance", "finish"),
    Capability.COUNT: ("stream_of",),
    Capability.EMBED: ("embed",),
}
"""The methods of each capability."""


def loaded_fault(loaded: object, *, transcribes: bool = True) -> str:
    """Return the fault of what `load` has returned; "": none. `transcribes`: it turns audio into text."""
    if isinstance(loaded, type):
        name = loaded.__name__
        return f"load() returned the class {name}: return an object of it, as in {name}(…)"
    info: object = getattr(loaded, "info", None)
    if not isinstance(info, RecognizerInfo):
        return "the result of load() needs an attribute `info`, a govor.RecognizerInfo"
    if fault := _info_fault(info):
        return fault
    for capability in sorted(info.capabilities):
        for method in METHODS[capability]:
            if fault := _absent(loaded, method, f"it declares govor.Capability.{capability.name}, but"):
                return fault
    if not transcribes:
        return _absent(loaded, "close", "the result of load()")
    needed = ("close",) if Capability.STREAM in info.capabilities else ("close", "transcribe")
    return next((fault for name in needed if (fault := _absent(loaded, name, "the result of load()"))), "")


def _absent(loaded: object, method: str, what: str) -> str:
    return "" if callable(getattr(loaded, method, None)) else f"{what} lacks the method {method}"


def _info_fault(info: RecognizerInfo) -> str:
    least = {"parallel": 1, "batch": 1, "surplus": 0, "cores": 0}
    for name, bound in least.items():
        number: object = getattr(info, name)
        if (number is not None or name != "cores") and (not isinstance(number, int) or number < bound):
            return f"`info.{name}` is {number!r}: it must be a whole number from {bound} on"
    if not info.batch_seconds > 0:
        return f"`info.batch_seconds` is {info.batch_seconds!r}: give the most seconds of a call"
    if not info.window >= 0:
        return f"`info.window` is {info.window!r}: give the seconds that it decodes at a time, or 0"
    unknown = [each for each in info.capabilities if each not in METHODS]
    return f"`info.capabilities` has {unknown[0]!r}, which is no govor.Capability" if unknown else ""


def result_fault(given: object, count: int, method: str = "transcribe", each: str = "array") -> str:
    """Return the fault of a result of `transcribe` or `finish` for so many arrays or streams; "": none."""
    if given is None:
        return f"{method}() returned None: end it with `return` and a list of lists of govor.Segment"
    if inspect.iscoroutine(given):
        given.close()
        return f"{method}() is `async`: write it with `def`, it runs in a thread of its own"
    if inspect.isgenerator(given) or inspect.isasyncgen(given):
        return f"{method}() is a generator, as it has a `yield`: return a list of lists of govor.Segment"
    if isinstance(given, Segment):
        return f"{method}() returned one Segment: return a list with a list of segments for each {each}"
    if not isinstance(given, Sequence) or isinstance(given, str):
        return f"{method}() returned {given!r:.80}: return a list of lists of govor.Segment"
    if len(given) != count:
        return f"{method}() was given {count} {each}s and gave {len(given)} results: give a list for each"
    return next((fault for own in given if (fault := _segments_fault(own, method, each))), "")


def stream_fault(given: object) -> str:
    """Return the fault of a result of `open`; "": none."""
    if given is None:
        return "open() returned None: end it with `return` and the state of a stream"
    if isinstance(given, type):
        return f"open() returned the class {given.__name__}: return an object of it, as in {given.__name__}()"
    return _absent(given, "close", f"open() returned {given!r:.80}, which")


def update_fault(given: object, count: int) -> str:
    """Return the fault of a result of `advance` for so many streams; "": none."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return f"advance() returned {given!r:.80}: return a list of govor.Update, one per stream"
    if len(given) != count:
        return f"advance() was given {count} streams and gave {len(given)} results: give an Update for each"
    for update in given:
        if not isinstance(update, Update):
            return f"advance() gave {update!r:.80}, not a govor.Update"
        partial = () if update.partial is None else (update.partial,)
        for own in (update.final, partial):
            if fault := _segments_fault(own, "advance", "stream"):
                return fault
    return ""


def _segments_fault(own: object, method: str, each: str) -> str:
    """Return the fault of the segments for one array or stream; "": none."""
    if isinstance(own, Segment):
        return f"{method}() gave a Segment for one {each}: give a list of them; it is empty for silence"
    if not isinstance(own, Sequence) or isinstance(own, str):
        return f"{method}() gave {own!r:.80} for one {each}, not a list of govor.Segment"
    for segment in own:
        if not isinstance(segment, Segment):
            return f"{method}() gave {segment!r:.80}, not a govor.Segment"
        if not isinstance(segment.text, str):
            return f"{method}() gave a Segment with the text {segment.text!r:.80}: write a str"
    return ""
