"""The `startup` contexts of plugins begin and end with the server; one that fails does not affect it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from govor import Options, hookimpl
from govor.contract.models import ModelSpec
from govor.engine.plugin_server import ServiceTranscriber
from govor.engine.service import Service
from govor.errors import InvalidParam, ModelNotFound
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, plugins_of


class Runs:
    """A plugin that records its begin and end, and raises at the given point."""

    def __init__(self, name, notes, fails_at="", error=OSError):
        self.name, self.notes, self.fails_at, self.error = name, notes, fails_at, error
        self.settings = None

    @hookimpl
    def startup(self, transcriber, settings):
        self.settings = settings
        self._note("called")
        return self._run()

    @asynccontextmanager
    async def _run(self):
        self._note("begun")
        yield
        self._note("ended")

    def _note(self, what):
        if what == self.fails_at:
            raise self.error(f"not {what}")
        self.notes.append((self.name, what))


def start_and_stop(plugins):
    async def run():
        await plugins.start(None)
        await plugins.stop()

    asyncio.run(run())
    return {plugin.name: (plugin.state, plugin.reason) for plugin in plugins}


def test_plugins_begin_in_order_and_end_the_other_way_round():
    notes = []
    settings = Settings(order=("b",), plugins={"a": {"word": "ho"}})
    a, b = Runs("a", notes), Runs("b", notes)
    start_and_stop(plugins_of(settings, a=a, b=b))
    begun = [note for note in notes if note[1] != "called"]
    assert begun == [("b", "begun"), ("a", "begun"), ("a", "ended"), ("b", "ended")]
    assert (a.settings, b.settings) == ({"word": "ho"}, {})


@pytest.mark.parametrize("moment", ["called", "begun", "ended"])
@pytest.mark.parametrize("error", [OSError, SystemExit])
def test_one_that_fails_is_recorded_and_the_others_run(moment, error):
    notes = []
    bad = Runs("bad", notes, moment, error)
    plugins = plugins_of(Settings(), a=Runs("a", notes), bad=bad, z=Runs("z", notes))
    states = start_and_stop(plugins)
    assert states["bad"] == ("failed", f"{error.__name__}: not {moment}")
    assert states["a"] == states["z"] == ("ready", "")
    assert {("a", "ended"), ("z", "ended")} <= set(notes)


def test_one_that_is_disabled_is_not_asked():
    notes = []
    start_and_stop(plugins_of(Settings(disable=("off",)), off=Runs("off", notes)))
    assert notes == []


@pytest.fixture
def ask(models_dir: Path, tmp_path: Path):
    """Run a function of a transcriber with two fake models; the second one is the default."""
    family = FakeBackend(ModelSpec("first", languages=("ru",)), "second")
    settings = Settings(models_dir=models_dir, data_dir=tmp_path, default_models=("second",))

    def run(function):
        async def whole():
            service = Service(settings, plugins_of(settings, fake=family, loud=FakeDetector()))
            service.start()
            try:
                return await function(ServiceTranscriber(service))
            finally:
                await service.close()

        return asyncio.run(whole())

    run.family = family
    return run


async def text_of(transcriber, *args, **kwargs):
    async with transcriber.transcribe(*args, **kwargs) as transcribing:
        segments = [segment.text async for segment in transcribing]
        result = transcribing.result()
    assert result.text == " ".join(segments)
    return result


def test_models_are_listed_with_the_default_one_first_and_all_their_languages(ask):
    async def models(transcriber):
        return transcriber.models()

    second, first = ask(models)
    assert (second.id, second.plugin, first.id, first.languages) == ("second", "fake", "first", ("ru",))
    assert {"ru", "en"} <= set(second.languages)


def test_a_recording_becomes_text_by_the_model_that_is_named(ask, samples):
    for name in ("", "first"):
        result = ask(lambda transcriber, name=name: text_of(transcriber, samples / "ru_short.wav", name))
        assert result.model == (name or "second")
        assert result.text.endswith("seconds")


def test_a_language_may_be_a_locale_and_must_be_one(ask, samples):
    path = samples / "ru_short.wav"
    ask(lambda transcriber: text_of(transcriber, path, "first", Options(language="ru-RU")))
    assert ask.family.loaded["first"].calls[0].options.language == "ru"
    with pytest.raises(InvalidParam, match="klingon"):
        ask(lambda transcriber: text_of(transcriber, path, "", Options(language="klingon")))


def test_errors_are_raised_before_any_text(ask, samples):
    with pytest.raises(ModelNotFound, match="absent"):
        ask(lambda transcriber: text_of(transcriber, samples / "ru_short.wav", "absent"))
