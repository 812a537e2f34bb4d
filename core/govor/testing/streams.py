"""The calls that the suite makes of a model that streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.recognizers import Capability, Options, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import Streaming, Update
from govor.models.streamed import advance, finish, open_stream
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
    streams = [open_stream(model, Options(), Unfit) for _ in sounds]
    try:
        found: list[list[Segment]] = [[] for _ in sounds]
        for at in range(0, max(map(len, sounds)), size):
            going = [place for place, sound in enumerate(sounds) if at < len(sound)]
            for places in _batches(going, most):
                fed = [(streams[place], sounds[place][at : at + size]) for place in places]
                for place, update in zip(places, advance(model, fed, Unfit), strict=True):
                    seconds = min(at + size, len(sounds[place])) / SAMPLE_RATE
                    found[place] = _checked(found[place], update, seconds)
        for places in _batches(range(len(sounds)), most):
            ended = [streams[place] for place in places]
            for place, rest in zip(places, finish(model, ended, Unfit), strict=True):
                seconds = len(sounds[place]) / SAMPLE_RATE
                found[place] = _checked(found[place], Update(tuple(rest)), seconds)
    finally:
        for stream in streams:
            stream.close()
    return found


def give_up_midway(model: Streaming, sound: Audio) -> list[list[Segment]]:
    """Open a stream, feed it half of the audio, and close it without an end; close another one unused."""
    streams = [open_stream(model, Options(), Unfit) for _ in range(2)]
    advance(model, [(streams[0], sound[: len(sound) // 2])], Unfit)
    for stream in streams:
        stream.close()
    return []


def _batches(places: Sequence[int], most: int) -> list[Sequence[int]]:
    return [places[first : first + most] for first in range(0, len(places), most)]


def _checked(before: list[Segment], update: Update, seconds: float) -> list[Segment]:
    """Return the segments with those of the update. Raises Unfit."""
    segments = [*before, *update.final]
    partial_text = [] if update.partial is None else [update.partial]
    if faults := segments_faults([*segments, *partial_text], seconds):
        raise Unfit("\n".join(faults))
    return segments
