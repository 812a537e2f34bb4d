"""Chooses the model for a recording: the one named or, for "auto", one that suits its language."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass

from govor.contract.models import Feature
from govor.contract.recognizers import Options, VoiceDetector
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.model_pool.pool import Pool
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.transcription.language import Chances, certain_language, language_chances
from govor.errors import (
    BackendUnavailable,
    DownloadFailed,
    InsufficientMemory,
    LoadFailed,
    UnsupportedOperation,
)
from govor.models.catalogue import Model
from govor.models.selection.routing import Router

UNAVAILABLE = (BackendUnavailable, LoadFailed, DownloadFailed, InsufficientMemory)
"""Errors after which the next model of the list is tried."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSelector:
    """Chooses a model by name, by language, and by whether it can be loaded."""

    router: Router
    pool: Pool
    voice_detector: Callable[[], AbstractAsyncContextManager[VoiceDetector]]
    likely: Callable[[], Collection[str]] = tuple
    """Languages that the operator expects if the client names none; empty: any."""

    @asynccontextmanager
    async def choose(
        self, name: str | None, audio: RequestAudio, options: Options, ticket: AdmissionTicket
    ) -> AsyncIterator[Model]:
        """Yield the model for a recording. A model that was chosen for "auto" is leased for the block.

        `audio` is opened only if its language must be detected. Raises ModelNotFound, ModelNotInstalled; for
        "auto" the error of the last model of the list; InvalidAudio.
        """
        if not self.router.means_auto(name):
            yield self.answering(name)[0]
            return
        async with AsyncExitStack() as stack:
            language = options.language
            if language is None and self.router.has_routes:
                language = await self._detect(audio, options.languages, ticket)
            needed = {Feature.TRANSLATE} if options.task == "translate" else set()
            yield await self._first(self.answering(name, language, needed), stack)

    def answering(
        self, name: str | None, language: str | None = None, needed: Collection[Feature] = ()
    ) -> list[Model]:
        """Return the models that may answer, at least one, in the order in which they are tried.

        Raises ModelNotFound, ModelNotInstalled, UnsupportedOperation.
        """
        if not self.router.means_auto(name):
            return [self.router.choose(name)]
        return self.router.candidates(language, needed)

    async def languages(
        self,
        name: str,
        audio: RequestAudio,
        ticket: AdmissionTicket,
        among: Collection[str] = (),
    ) -> tuple[Model, Chances]:
        """Return a model that detects languages, the one named or the first that can, with the probabilities.

        If `among` is empty, the languages that the operator expects are used.

        Raises ModelNotFound, ModelNotInstalled, InvalidAudio; UnsupportedOperation if the model named, or
        every model, cannot detect languages; the errors of a load if a model is named.
        """
        among = among or self.likely()
        named = [self.router.choose(name)] if name and not self.router.means_auto(name) else []
        for model in named or self._detectors():
            async with AsyncExitStack() as stack:
                try:
                    loaded = await stack.enter_async_context(self.pool.lease(model))
                except UNAVAILABLE as error:
                    if named:
                        raise
                    log.warning("'%s' cannot detect the language: %s", model.id, error)
                    continue
                if loaded.detects:
                    detector = await stack.enter_async_context(self.voice_detector())
                    if not audio.is_open:
                        await audio.open()
                    with closing(audio.reader()) as blocks:
                        chances = await language_chances(loaded, blocks, detector, ticket, among)
                    return model, chances
        who = f"The model '{named[0].id}' cannot" if named else "No model that is installed can"
        raise UnsupportedOperation(f"{who} detect languages.", param="model")

    async def _detect(
        self, audio: RequestAudio, among: Collection[str], ticket: AdmissionTicket
    ) -> str | None:
        """Return the spoken language; None: it is uncertain, or no model can detect it."""
        await audio.open(among or self.likely())  # the track that is transcribed
        try:
            _, chances = await self.languages("", audio, ticket, among)
        except UnsupportedOperation:
            return None
        return certain_language(chances)

    def _detectors(self) -> list[Model]:
        """Return the models that can detect languages, those in memory first."""
        here = [loaded.model for loaded in self.pool.loaded_models.instances() if loaded.detects]
        return list(dict.fromkeys((*here, *self.router.detectors())))

    async def _first(self, models: list[Model], stack: AsyncExitStack) -> Model:
        """Return the first model that can be loaded; `stack` holds its lease."""
        for model in models[:-1]:
            try:
                await stack.enter_async_context(self.pool.lease(model))
            except UNAVAILABLE as error:
                log.warning("'%s' is passed over: %s", model.id, error)
            else:
                return model
        await stack.enter_async_context(self.pool.lease(models[-1]))
        return models[-1]
