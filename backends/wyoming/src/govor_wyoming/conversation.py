"""One client's connection, from its first event to its last."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong

import govor
from govor_wyoming.description import describe
from govor_wyoming.recording import Spool
from govor_wyoming.settings import WyomingSettings

MAX_BYTES = 1_000_000
"""Bytes of one event's data or payload: half a minute of 16 kHz; clients send 1/16 s."""

WRONG = (AttributeError, KeyError, TypeError, ValueError)
"""Exceptions of the library for incomplete events."""

Message = TypeVar("Message", bound=Eventable)

log = logging.getLogger(__name__)


class BoundedReader(asyncio.StreamReader):
    """A stream that holds no more than one event may have."""

    async def readexactly(self, n: int) -> bytes:
        """Raise ValueError for more than MAX_BYTES; the library takes that for the end of the stream."""
        if not 0 <= n <= MAX_BYTES:
            raise ValueError(f"an event of {n} bytes")
        return await super().readexactly(n)


class Conversation:
    """Answers events in turn; if the client disconnects, its transcription is cancelled."""

    def __init__(
        self,
        transcriber: govor.Transcriber,
        settings: WyomingSettings,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ):
        self._transcriber = transcriber
        self._settings = settings
        self._reader = reader
        self._writer = writer
        self._request = Transcribe()
        self._spool: Spool | None = None

    async def run(self) -> None:
        """Answer until the client disconnects; an error is sent and ends the connection."""
        try:
            event = await self._read()
            while event is not None:
                event = await self._handle(event)
        except govor.GovorError as error:
            log.info("A Wyoming client was refused: %s", error)
            await self._write(Error(str(error), error.code))
        finally:
            if self._spool is not None:
                self._spool.close()

    async def _read(self) -> Event | None:
        """Return the next event; None: the client has disconnected. Raises InvalidParam."""
        try:
            event = await async_read_event(self._reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except WRONG as error:
            raise govor.InvalidParam(f"That is no event of Wyoming's: {error!r}.") from error
        if event is None and not self._reader.at_eof():
            raise govor.InvalidParam(f"That is no event of Wyoming's, or it has more than {MAX_BYTES} bytes.")
        return event

    async def _write(self, message: Eventable) -> None:
        await async_write_event(message.event(), self._writer)

    async def _handle(self, event: Event) -> Event | None:
        """Answer one event and return the next. Raises GovorError."""
        if Describe.is_type(event.type):
            await self._write(describe(self._transcriber.models(), self._transcriber.version))
        elif Ping.is_type(event.type):
            await self._write(Pong(text=_parsed(Ping, event).text))
        elif Transcribe.is_type(event.type):
            self._request = _checked(_parsed(Transcribe, event))
        elif AudioStart.is_type(event.type):
            self._begin().tell(_parsed(AudioStart, event))
        elif AudioChunk.is_type(event.type):
            (self._spool or self._begin()).add(_parsed(AudioChunk, event))
        elif AudioStop.is_type(event.type):
            return await self._transcribe()
        else:
            log.debug("A Wyoming client sent '%s', which is ignored", event.type)
        return await self._read()

    def _begin(self) -> Spool:
        if self._spool is not None:
            self._spool.close()
        longest = self._settings.max_seconds
        if self._transcriber.max_seconds:
            longest = min(longest, self._transcriber.max_seconds)
        self._spool = Spool(self._transcriber.spool_dir, longest)
        return self._spool

    async def _transcribe(self) -> Event | None:
        """Answer the recording while watching the connection; return the event after it."""
        answering = asyncio.create_task(self._answer(), name="wyoming answer")
        reading = asyncio.create_task(self._read(), name="wyoming read")
        try:
            await asyncio.wait([answering, reading], return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and reading.result() is None:
                return None
            await answering
            return await reading
        finally:
            answering.cancel()
            reading.cancel()
            await asyncio.gather(answering, reading, return_exceptions=True)

    async def _answer(self) -> None:
        spool, request = self._spool, self._request
        self._spool, self._request = None, Transcribe()
        try:
            recording = spool.finish() if spool is not None else None
            if recording is None:
                await self._write(Transcript(""))
            else:
                await self._send_text(recording, request)
        finally:
            if spool is not None:
                spool.close()

    async def _send_text(self, recording: Path, request: Transcribe) -> None:
        """Send the text in pieces as they come, then whole, for clients without support for pieces."""
        options = govor.Options(
            language=None if request.language == "auto" else request.language or None,
            keywords=(*(request.transcript_names or ()), *(request.transcript_terms or ())),
        )
        model, client = request.name or self._settings.model, _address(self._writer)
        begun = self._transcriber.transcribe(recording, model, options, client=client)
        async with begun as transcribing:
            await self._write(TranscriptStart(language=options.language))
            sent = ""
            async with aclosing(aiter(transcribing)) as segments:
                async for _ in segments:
                    text = transcribing.result().text
                    await self._write(TranscriptChunk(text[len(sent) :]))
                    sent = text
            result = transcribing.result()
        await self._write(Transcript(result.text, language=result.language))
        await self._write(TranscriptStop())


def _parsed(kind: type[Message], event: Event) -> Message:
    """Return the event as the message of its type. Raises InvalidParam if it is incomplete."""
    try:
        return kind.from_event(event)  # type: ignore[return-value]
    except WRONG as error:
        raise govor.InvalidParam(f"An event '{event.type}' is invalid: {error!r}.") from error


def _checked(request: Transcribe) -> Transcribe:
    """Return the request. Raises InvalidParam if a text field is not a text."""
    lists = (request.transcript_names or [], request.transcript_terms or [])
    texts = [request.name or "", request.language or "", *(text for texts in lists for text in texts)]
    if not all(isinstance(text, str) for text in texts):
        raise govor.InvalidParam("Names, languages and terms of 'transcribe' are texts.")
    return request


def _address(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if peer else ""
