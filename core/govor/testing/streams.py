"""The calls that the suite makes of a model that streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.recognizers import Capability, Options, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import RecognizerStream, Streaming, Update
from govor.models.checks import result_fault, stream_fault, update_fault
from govor.testing.faults import Unfit, segments_faults

PIECE_SECONDS = 0.3
"""Seconds of the pieces in which streams are fed."""

STREAMED_ALONE = ("stream-0", "stream-1", "stream-2")
"""Stages: each array in a stream alone."""
STREAMED = ("streams", *STREAMED_ALONE, "given-up")
"""Stages: streams of all arrays side by side, those alone, and two streams that are given up."""


def stream_stages(
    model: Recognizer | Streaming, sounds: Sequence[Audio]
) -> dict[str, Callable[[], list[list[Segment]]]]:
    """Return the stages of three arrays, for a model that streams; none for another."""
    if Capability.STREAM not in model.info.capabilities:
        return dict.fromkeys(STREAMED, list)
    streaming = cast("Streaming", model)
    calls = (
        partial(stream_together, streaming, sounds),
        *(partial(stream_together, streaming, [sound]) for sound in sounds),
        partial(give_up_midway, streaming, sounds[0]),
    )
    return dict(zip(STREAMED, calls, strict=True))


def stream_together(model: Streaming, sounds: Sequence[Audio]) -> list[list[Segment]]:
    """Feed streams side by side, piece by piece, and finish them; return the segments of each.

    Raises Unfit, with the fault, if an answer breaks the contract.
    """
    size, most = round(PIECE_SECONDS * SAMPLE_RATE), model.info.batch
    streams = [_open(model) for _ in sounds]
    try:
        found: list[list[Segment]] = [[] for _ in sounds]
        for at in range(0, max(map(len, sounds)), size):
            going = [place for place, sound in enumerate(sounds) if at < len(sound)]
            for places in _batches(going, most):
                fed = [(streams[place], sounds[place][at : at + size]) for place in places]
                for place, update in zip(places, _advance(model, fed), strict=True):
                    seconds = min(at + size, len(sounds[place])) / SAMPLE_RATE
                    found[place] = _checked(found[place], update, seconds)
        for places in _batches(range(len(sounds)), most):
            for place, rest in zip(places, _finish(model, [streams[each] for each in places]), strict=True):
                seconds = len(sounds[place]) / SAMPLE_RATE
                found[place] = _checked(found[place], Update(tuple(rest)), seconds)
    finally:
        for stream in streams:
            stream.close()
    return found


def give_up_midway(model: Streaming, sound: Audio) -> list[list[Segment]]:
    """Open a stream, feed it half of the audio, and close it without an end; close another one unused."""
    streams = [_open(model) for _ in range(2)]
    _advance(model, [(streams[0], sound[: len(sound) // 2])])
    for stream in streams:
        stream.close()
    return []


def _batches(places: Sequence[int], most: int) -> list[Sequence[int]]:
    return [places[first : first + most] for first in range(0, len(places), most)]


def _open(model: Streaming) -> RecognizerStream:
    stream = model.open(Options())
    if fault := stream_fault(stream):
        raise Unfit(fault)
    return stream


def _advance(model: Streaming, fed: Sequence[tuple[RecognizerStream, Audio]]) -> Sequence[Update]:
    updates = model.advance(fed)
    if fault := update_fault(updates, len(fed)):
        raise Unfit(fault)
    return updates


def _finish(model: Streaming, streams: Sequence[RecognizerStream]) -> Sequence[Sequence[Segment]]:
    rests = model.finish(streams)
    if fault := result_fault(rests, len(streams), "finish", "stream"):
        raise Unfit(fault)
    return rests


def _checked(before: list[Segment], update: Update, seconds: float) -> list[Segment]:
    """Return the segments with those of the update. Raises Unfit."""
    segments = [*before, *update.final]
    partial_text = [] if update.partial is None else [update.partial]
    if faults := segments_faults([*segments, *partial_text], seconds):
        raise Unfit("\n".join(faults))
    return segments
