"""Model "auto": the first speech is asked about, and who suits the language is held."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.engine.service import Service
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.transcription.model_choice import ModelSelector
from govor.errors import LoadFailed
from govor.models.catalogue import Model
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeLinguist, plugins_of

DETECTS = frozenset({Feature.DETECT})
ROUTES = {"ru": ("russian",), "default": ("linguist",)}
Spoken = Callable[..., Path]


class Scene:
    """A service of a linguist and two Russians."""

    def __init__(self, folder: Path, **settings: Any):
        self.linguist = FakeBackend(ModelSpec("linguist", features=DETECTS), recognizer=FakeLinguist)
        self.russian = FakeBackend(ModelSpec("russian", languages=("ru",)))
        made = Settings(
            models_dir=folder, preload=(), **{"routing": ROUTES, "default_models": (), **settings}
        )
        plugins = plugins_of(made, linguist=self.linguist, russian=self.russian, vad=FakeDetector())
        self.service = Service(made, plugins)
        self.chooser: ModelSelector = self.service.chooser

    async def hears(self, *chances: tuple[str, float]) -> FakeLinguist:
        """Load the linguist, and have it take whatever it hears for this."""
        await self.service.pool.load(self.service.router.choose("linguist"))
        linguist: FakeLinguist = self.linguist.loaded["linguist"]
        linguist.chances = chances
        return linguist

    async def chosen(self, path: Path, name: str = "auto", **options: Any) -> str:
        async with self.choose(name, path, Options(**options)) as model:
            return model.id

    @asynccontextmanager
    async def choose(self, name: str, path: Path, options: Options) -> AsyncIterator[Model]:
        with (
            self.service.admission.admit() as ticket,
            closing(RequestAudio(path, self.service.decoders)) as audio,
        ):
            async with self.chooser.choose(name, audio, options, ticket) as model:
                yield model


@pytest.fixture
def scene(tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def play(**settings: Any) -> AsyncIterator[Scene]:
        scene = Scene(tmp_path / "models", **settings)
        try:
            yield scene
        finally:
            await scene.service.close()

    return play


async def test_what_is_spoken_decides(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        path = spoken(2)
        await play.hears(("ru", 0.9), ("uk", 0.1))
        assert await play.chosen(path) == "russian"
        await play.hears(("de", 0.9))
        assert await play.chosen(path) == "linguist"


async def test_a_stated_language_needs_no_listening(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        assert await play.chosen(spoken(2), language="ru") == "russian"
        assert not play.linguist.loads


async def test_no_more_than_the_first_speech_is_heard(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        linguist = await play.hears(("ru", 0.9))
        await play.chosen(spoken(-3, 40, -3, 40))
        assert linguist.detected == [pytest.approx(30, abs=6)]
        assert linguist.detected[0] <= 30
        assert linguist.calls == []


async def test_a_language_that_is_uncertain_or_silent_decides_nothing(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        linguist = await play.hears(("ru", 0.4), ("uk", 0.3))
        assert await play.chosen(spoken(2)) == "linguist"
        assert await play.chosen(spoken(-2, name="silence.wav")) == "linguist"
        assert len(linguist.detected) == 1, "silence is asked of nobody"


async def test_of_several_candidates_the_likeliest_counts(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        await play.hears(("uk", 0.6), ("ru", 0.3), ("de", 0.1))
        assert await play.chosen(spoken(2), languages=("ru", "de")) == "russian"


async def test_where_the_first_choice_does_not_load_the_next_one_answers(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        await play.hears(("ru", 0.9))
        play.russian.failure = OSError("a bad sector")
        assert await play.chosen(spoken(2)) == "linguist"


async def test_where_none_loads_the_last_failure_is_told(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        play.russian.failure = play.linguist.failure = OSError("a bad sector")
        with pytest.raises(LoadFailed, match="'linguist' cannot be loaded: OSError: a bad sector"):
            await play.chosen(spoken(2))


async def test_without_lists_nobody_is_asked(scene: Any, spoken: Spoken) -> None:
    async with scene(routing={}, default_models=("russian",)) as play:
        assert await play.chosen(spoken(2)) == "russian"
        assert not play.linguist.loads


async def test_the_chosen_model_is_held(scene: Any, spoken: Spoken) -> None:
    async with scene() as play, play.choose("auto", spoken(2), Options(language="ru")) as model:
        assert play.service.pool.leases(model) == 1


async def test_a_model_that_is_named_is_not_loaded_for_the_choice(scene: Any, spoken: Spoken) -> None:
    async with scene() as play:
        assert await play.chosen(spoken(2), "russian") == "russian"
        assert not play.russian.loads


async def test_the_operators_likely_languages_are_candidates_too(scene: Any, spoken: Spoken) -> None:
    async with scene(languages=("Russian", "de")) as play:
        await play.hears(("uk", 0.6), ("ru", 0.3), ("de", 0.1))
        assert await play.chosen(spoken(2)) == "russian"


async def test_probabilities_of_numpy_are_numbers_that_every_answer_can_show(
    scene: Callable[..., Any], spoken: Spoken
) -> None:
    async with scene() as play:
        most: Any = np.float32(0.75)
        await play.hears(("ru", most), ("en", 1 - most))
        with (
            play.service.admission.admit() as ticket,
            closing(RequestAudio(spoken(2), play.service.decoders)) as audio,
        ):
            _, chances = await play.chooser.languages("linguist", audio, ticket)
    assert json.dumps(chances) == '{"ru": 0.75, "en": 0.25}'
