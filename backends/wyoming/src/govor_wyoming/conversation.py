"""One client's connection, from its first event to its last."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, aclosing
from typing import TypeVar

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong

import govor
from govor_wyoming.description import describe
from govor_wyoming.incoming import Incoming
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
        self._incoming: Incoming | None = None
        self._session: govor.Session | None = None  # once the recording has samples
        self._held = AsyncExitStack()  # of the session

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
            await self._held.aclose()

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
            self._request = self._checked(_parsed(Transcribe, event))
        elif AudioStart.is_type(event.type):
            (await self._begin()).tell(_parsed(AudioStart, event))
        elif AudioChunk.is_type(event.type):
            incoming = self._incoming or await self._begin()
            await self._feed(incoming.take(_parsed(AudioChunk, event)))
        elif AudioStop.is_type(event.type):
            return await self._transcribe()
        else:
            log.debug("A Wyoming client sent '%s', which is ignored", event.type)
        return await self._read()

    async def _begin(self) -> Incoming:
        await self._end()
        longest = self._settings.max_seconds
        if self._transcriber.max_seconds:
            longest = min(longest, self._transcriber.max_seconds)
        self._incoming = Incoming(longest)
        return self._incoming

    async def _end(self) -> None:
        """Forget the recording; what is not done of it is cancelled."""
        self._incoming = self._session = None
        await self._held.aclose()

    async def _feed(self, samples: govor.Audio) -> None:
        """Give samples to the core, which transcribes them while others come. Raises GovorError."""
        if not len(samples):
            return
        if self._session is None:
            begun = self._transcriber.session(
                self._request.name or self._settings.model, self._options(), client=_address(self._writer)
            )
            self._session = await self._held.enter_async_context(begun)
        await self._session.feed(samples)

    def _options(self) -> govor.Options:
        request = self._request
        return govor.Options(
            language=None if request.language == "auto" else request.language or None,
            keywords=(*(request.transcript_names or ()), *(request.transcript_terms or ())),
        )

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
        if self._incoming is not None:
            await self._feed(self._incoming.rest())
        if self._session is None:
            await self._write(Transcript(""))
        else:
            await self._send_text(self._session)
        self._request = Transcribe()
        await self._end()

    async def _send_text(self, session: govor.Session) -> None:
        """Send the text in pieces as they come, then whole, for clients without support for pieces."""
        await session.finish()
        await self._write(TranscriptStart(language=self._options().language))
        sent = ""
        async with aclosing(aiter(session)) as segments:
            async for _ in segments:
                text = session.result().text
                await self._write(TranscriptChunk(text[len(sent) :]))
                sent = text
        result = session.result()
        await self._write(Transcript(result.text, language=result.language))
        await self._write(TranscriptStop())

    def _checked(self, request: Transcribe) -> Transcribe:
        """Return the request. Raises InvalidParam if a text field is not a text, or audio came before it."""
        lists = (request.transcript_names or [], request.transcript_terms or [])
        texts = [request.name or "", request.language or "", *(text for texts in lists for text in texts)]
        if not all(isinstance(text, str) for text in texts):
            raise govor.InvalidParam("Names, languages and terms of 'transcribe' are texts.")
        if self._session is not None:
            raise govor.InvalidParam("'transcribe' comes before the audio that it is about.")
        return request


def _parsed(kind: type[Message], event: Event) -> Message:
    """Return the event as the message of its type. Raises InvalidParam if it is incomplete."""
    try:
        return kind.from_event(event)  # type: ignore[return-value]
    except WRONG as error:
        raise govor.InvalidParam(f"An event '{event.type}' is invalid: {error!r}.") from error


def _address(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if peer else ""
