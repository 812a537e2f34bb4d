"""Call models that stream; transcribe arrays with any model, if it only streams by a stream for each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack

from govor.contract.audio import Audio
from govor.contract.recognizers import Options, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import RecognizerStream, Streaming, Update
from govor.models.checks import result_fault, stream_fault, update_fault

log = logging.getLogger(__name__)


def transcribe(
    model: Recognizer | Streaming, batch: Sequence[Audio], options: Options
) -> Sequence[Sequence[Segment]]:
    """Return the segments of each array, as `Recognizer.transcribe`. Runs in a worker thread.

    Raises what the model raises, and ValueError if the results of its streams have a wrong form.
    """
    if isinstance(model, Recognizer):
        return model.transcribe(batch, options)
    return _stream(model, batch, options) if batch else []


def open_stream(model: Streaming, options: Options, unfit: type[Exception] = ValueError) -> RecognizerStream:
    """Return what `Streaming.open` returns. Raises `unfit` if that has a wrong form."""
    stream = model.open(options)
    if fault := stream_fault(stream):
        raise unfit(fault)
    return stream


def close_stream(stream: RecognizerStream) -> None:
    """Close a stream. A failure is logged: all that it has heard is known by then."""
    try:
        stream.close()
    except BaseException:  # a plugin may raise anything
        log.exception("The model failed when a stream was closed")


def advance(
    model: Streaming,
    fed: Sequence[tuple[RecognizerStream, Audio]],
    unfit: type[Exception] = ValueError,
) -> Sequence[Update]:
    """Return what `Streaming.advance` returns. Raises `unfit` if that has a wrong form."""
    updates = model.advance(fed)
    if fault := update_fault(updates, len(fed)):
        raise unfit(fault)
    return updates


def finish(
    model: Streaming, streams: Sequence[RecognizerStream], unfit: type[Exception] = ValueError
) -> Sequence[Sequence[Segment]]:
    """Return what `Streaming.finish` returns. Raises `unfit` if that has a wrong form."""
    rests = model.finish(streams)
    if fault := result_fault(rests, len(streams), "finish", "stream"):
        raise unfit(fault)
    return rests


def _stream(model: Streaming, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
    """Give each array whole to a stream, all in one call, and finish the streams."""
    with ExitStack() as stack:
        streams = []
        for _ in batch:
            streams.append(open_stream(model, options))
            stack.callback(close_stream, streams[-1])
        updates = advance(model, list(zip(streams, batch, strict=True)))
        rests = finish(model, streams)
        return [[*update.final, *rest] for update, rest in zip(updates, rests, strict=True)]
