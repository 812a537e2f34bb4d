"""Which model answers a recording: the one that is named or, for "auto", one that suits what is spoken."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from govor.engine.detection import detect_language
from govor.engine.pool import Pool
from govor.errors import DownloadFailed, InsufficientMemory, LoadFailed
from govor.models.catalogue import Model
from govor.models.routing import Router
from govor.types import Feature, Options, VoiceDetector

UNAVAILABLE = (LoadFailed, DownloadFailed, InsufficientMemory)
"""What sends a request on to the next model of its list."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses by name, by language, by what can be loaded."""

    router: Router
    pool: Pool
    voice_detector: Callable[[], Awaitable[VoiceDetector]]

    @asynccontextmanager
    async def choose(self, name: str | None, path: Path, options: Options) -> AsyncIterator[Model]:
        """Give the model for a recording; one that was chosen for its language is held for the block.

        Raises ModelNotFound, ModelNotInstalled; for "auto" what the last model of the list failed with.
        """
        if not self.router.means_auto(name):
            yield self.router.choose(name)
            return
        async with AsyncExitStack() as stack:
            language = options.language
            if language is None and self.router.has_routes:
                language = await self._detect(path, options.languages)
            needed = {Feature.TRANSLATE} if options.task == "translate" else set()
            yield await self._first(self.router.candidates(language, needed), stack)

    async def _detect(self, path: Path, among: Iterable[str]) -> str | None:
        """Ask a model that can tell languages, rather one in memory. Without any the language is unknown."""
        detector = await self.voice_detector()
        here = [loaded.model for loaded in self.pool.residence.residents() if loaded.detects]
        for model in dict.fromkeys((*here, *self.router.detectors())):
            async with AsyncExitStack() as stack:
                try:
                    loaded = await stack.enter_async_context(self.pool.lease(model))
                except UNAVAILABLE as error:
                    log.warning("'%s' cannot tell the language: %s", model.id, error)
                    continue
                if loaded.detects:
                    return await detect_language(loaded, path, detector, tuple(among))
        return None

    async def _first(self, models: list[Model], stack: AsyncExitStack) -> Model:
        """Return the first model that can be loaded, and have the stack hold it."""
        for model in models[:-1]:
            try:
                await stack.enter_async_context(self.pool.lease(model))
            except UNAVAILABLE as error:
                log.warning("'%s' is passed over: %s", model.id, error)
            else:
                return model
        await stack.enter_async_context(self.pool.lease(models[-1]))
        return models[-1]
