"""A transcription of audio that is still coming, as plugins see it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from govor.contract.audio import Audio
from govor.contract.results import Segment, Transcript
from govor.engine.service import Service
from govor.engine.sources.live_audio import LiveAudio
from govor.engine.transcription.request import TranscriptionRequest
from govor.engine.transcription.stream import TranscriptStream
from govor.engine.transcription.work import Work
from govor.errors import GovorError, TranscriptionFailed, reason
from govor.formats.transcript import assemble

log = logging.getLogger(__name__)


class LiveSession:
    """See `contract.server.Session`. Runs the request in a task of its own, from `start` to `close`."""

    def __init__(self, service: Service, request: TranscriptionRequest, audio: LiveAudio):
        """`audio` is the source of the request."""
        self._service = service
        self._request = request
        self._audio = audio
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._found: asyncio.Queue[Segment | None] = asyncio.Queue()
        self._yielded: list[Segment] = []
        self._error: GovorError | None = None
        self._work: Work | None = None
        self._stream: TranscriptStream | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="session")

    async def close(self) -> None:
        """Cancel what is not done, and free everything."""
        self._audio.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def feed(self, audio: Audio) -> None:
        self._check()
        await self._audio.feed(audio)
        self._check()

    async def finish(self) -> None:
        self._audio.finish()
        await self._begun.wait()
        self._check()

    async def __aiter__(self) -> AsyncGenerator[Segment, None]:
        while (segment := await self._found.get()) is not None:
            self._yielded.append(segment)
            yield segment
        self._check()

    def result(self) -> Transcript:
        work, stream = self._work, self._stream
        return assemble(
            self._yielded,
            self._request.options if work is None else work.options,
            duration=self._audio.seconds if stream is None else stream.seconds_read,
            model="" if work is None else work.model.id,
            notices=() if stream is None else stream.notices,
        )

    def _check(self) -> None:
        """Raise the error that the transcription has ended with."""
        if self._error is not None:
            raise self._error

    async def _run(self) -> None:
        try:
            async with (
                self._service.prepare(self._request) as prepared,
                self._service.transcribe(prepared.work) as stream,
                aclosing(aiter(stream)) as segments,
            ):
                self._work, self._stream = prepared.work, stream
                self._begun.set()
                async for segment in segments:
                    self._found.put_nowait(segment)
        except GovorError as error:
            self._error = error
        except Exception as error:
            log.exception("A session failed")
            self._error = TranscriptionFailed(f"The session failed: {reason(error)}")
        finally:
            self._audio.close()
            self._begun.set()
            self._found.put_nowait(None)
