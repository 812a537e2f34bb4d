"""The service as plugins see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from govor import __version__
from govor.contract.audio import AudioSource
from govor.contract.recognizers import Options
from govor.contract.server import PLAIN, ServedModel, Session, Transcribing
from govor.engine.service import Service
from govor.engine.session import LiveSession
from govor.engine.sources.live_audio import LiveAudio
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import InvalidParam
from govor.formats.languages import LANGUAGES, parse_language


class ServiceTranscriber:
    """See `contract.server.Transcriber`."""

    version = __version__

    def __init__(self, service: Service):
        self._service = service
        self.spool_dir = service.settings.spool_dir
        self.max_seconds = service.settings.max_audio_seconds

    def models(self) -> list[ServedModel]:
        router = self._service.router
        default, usable = router.default(), router.usable()
        ordered = sorted(usable, key=lambda model: model is not default)
        return [
            ServedModel(model.id, model.plugin, model.spec, model.spec.languages or tuple(LANGUAGES))
            for model in ordered
        ]

    @asynccontextmanager
    async def transcribe(
        self, recording: Path | AudioSource, model: str = "", options: Options = PLAIN, *, client: str = ""
    ) -> AsyncIterator[Transcribing]:
        request = TranscriptionRequest(
            recording, model, replace(options, language=_code(options.language)), client=client
        )
        async with (
            self._service.prepare(request) as prepared,
            self._service.transcribe(prepared.work) as transcription,
        ):
            yield transcription

    @asynccontextmanager
    async def session(
        self, model: str = "", options: Options = PLAIN, *, client: str = ""
    ) -> AsyncIterator[Session]:
        audio = LiveAudio(self._service.settings.body_timeout)
        request = TranscriptionRequest(
            audio, model, replace(options, language=_code(options.language)), client=client
        )
        session = LiveSession(self._service, request, audio)
        session.start()
        try:
            yield session
        finally:
            await session.close()


def _code(language: str | None) -> str | None:
    try:
        return parse_language(language) if language else None
    except ValueError as error:
        raise InvalidParam(str(error), param="language") from error
