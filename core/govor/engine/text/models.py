"""The models for texts of one service, and what they can do for a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from govor.contract.models import ModelKind, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.texts.processing import TextOptions
from govor.engine.model_pool.pool import Loaded, Pool
from govor.engine.text.stages import TextStages, models_for, wanted_steps
from govor.models.catalogue import Catalogue, Model
from govor.models.files.store import Store


class TextModels:
    """Finds the models that can improve the texts of a request, in the order of their plugins."""

    def __init__(
        self, catalogue: Catalogue, store: Store, pool: Pool, fetch: Callable[[Model], Awaitable[None]]
    ):
        """`fetch` fetches the files of a model if the settings allow it and they are missing."""
        self._catalogue = catalogue
        self._store = store
        self._pool = pool
        self._fetch = fetch

    def missing(self, wanted: TextOptions, options: Options, spec: ModelSpec) -> tuple[str, ...]:
        """Return the names of wanted steps that no model can do for the texts of a model with this spec."""
        language = written_language(options, spec)
        here = self._here()
        return tuple(step.name for step in wanted_steps(wanted, spec) if not models_for(step, language, here))

    @asynccontextmanager
    async def begin(
        self, wanted: TextOptions, options: Options, spec: ModelSpec
    ) -> AsyncIterator[TextStages]:
        """Yield the steps for one recording; models that they load are held for the block."""
        steps = wanted_steps(wanted, spec)
        models = self._here() if steps else []
        language, translated = written_language(options, spec), options.task == "translate"
        async with AsyncExitStack() as stack:

            async def lease(model: Model) -> Loaded:
                await self._fetch(model)
                return await stack.enter_async_context(self._pool.lease(model))

            yield TextStages(steps, language, models, lease, translated=translated)

    def _here(self) -> list[Model]:
        """Return the models whose files are installed, or may be fetched."""
        known = self._catalogue.of_kind(ModelKind.TEXT)
        if self._pool.load_settings.may_fetch:
            return known
        return [model for model in known if self._store.state(model) != "available"]


def written_language(options: Options, spec: ModelSpec) -> str | None:
    """Return the language of the text, as far as it is known before; None: the segments tell."""
    if options.task == "translate":
        return "en"
    return options.language or (spec.languages[0] if len(spec.languages) == 1 else None)
