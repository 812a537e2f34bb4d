"""Server-sent events: sent while the text is transcribed, with keep-alives, and ended in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

from quart import Response

from govor.contract.results import Segment
from govor.engine.transcription.stream import TranscriptStream
from govor.errors import GovorError
from govor.formats.events import Events

EVENT_STREAM = "text/event-stream; charset=utf-8"
STREAM_HEADERS = {"Cache-Control": "no-cache, no-store", "X-Accel-Buffering": "no"}
END = Segment("")  # marks the end of the segments


async def stream_response(stream: AsyncGenerator[bytes, None], content_type: str = EVENT_STREAM) -> Response:
    """Return an answer with a stream; an error before its first event is raised, and so gets a status."""
    first = await anext(stream)
    response = Response(resumed(first, stream), content_type=content_type, headers=STREAM_HEADERS)
    response.timeout = None  # else Quart would cut the stream at RESPONSE_TIMEOUT without an error
    return response


async def transcription_events(
    transcription: TranscriptStream, events: Events, owned: AsyncExitStack, keep_alive: float
) -> AsyncGenerator[bytes, None]:
    """Yield the stream's events; `owned` (upload, model) is released at the end, also after an error."""
    async with owned:
        began = False
        try:
            async with (
                aclosing(aiter(transcription)) as segments,
                aclosing(paced(segments, keep_alive)) as timed,
            ):
                async for segment in timed:
                    began = True
                    if segment is None:
                        yield events.waiting(transcription.seconds_done, transcription.seconds_stated)
                    else:
                        yield events.segment(segment)
        except GovorError as error:
            if not began:
                raise
            yield events.error(error)
            return
        yield events.end(transcription.result())


async def resumed(first: bytes, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the event already taken from a stream, then the rest."""
    async with aclosing(stream):
        yield first
        async for event in stream:
            yield event


async def paced(segments: AsyncIterator[Segment], seconds: float) -> AsyncGenerator[Segment | None, None]:
    """Yield the segments, and None each time that none has come for `seconds`."""
    while True:
        waiting = asyncio.ensure_future(anext(segments, END))
        try:
            while not (await asyncio.wait({waiting}, timeout=seconds))[0]:
                yield None
        except BaseException:
            waiting.cancel()
            await asyncio.wait({waiting})
            raise
        segment = waiting.result()
        if segment is END:
            return
        yield segment
