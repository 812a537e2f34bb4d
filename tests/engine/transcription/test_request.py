"""`--model auto` means at the terminal and for plugins what it means over HTTP: the language chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from govor.cli.transcribe.sources import LocalSource, Wanted
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.texts.processing import TextOptions
from govor.engine.plugin_server import ServiceTranscriber
from govor.engine.service import Service
from govor.requests.channels import ChannelFields
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeLinguist, plugins_of

LINGUIST = ModelSpec("linguist", features=frozenset({Feature.DETECT, Feature.PROMPT}))
RUSSIAN = ModelSpec("russian", languages=("ru",))
ROUTES = {"ru": ("russian",), "default": ("linguist",)}


@pytest.fixture
def recording(spoken: Callable[..., Path]) -> Path:
    return spoken(2)


@asynccontextmanager
async def hearing(folder: Path, language: str) -> AsyncIterator[Service]:
    """A service whose linguist takes whatever it hears for one language."""
    linguist = FakeBackend(LINGUIST, recognizer=FakeLinguist)
    settings = Settings(models_dir=folder / "models", preload=(), routing=ROUTES, default_models=("auto",))
    russian = FakeBackend(RUSSIAN)
    service = Service(settings, plugins_of(settings, a=linguist, b=russian, vad=FakeDetector()))
    try:
        await service.pool.load(service.router.choose("linguist"))
        linguist.loaded["linguist"].chances = [(language, 0.9)]
        yield service
    finally:
        await service.close()


def wanted(model: str, **options: object) -> Wanted:
    return Wanted(
        model,
        Options(**options),
        False,
        (1, None),
        ChannelFields(),
        "",
        True,
        TextOptions(),
        frozenset(),
    )


@pytest.mark.parametrize("model", ["auto", ""])
@pytest.mark.parametrize(("language", "answers"), [("ru", "russian"), ("de", "linguist")])
async def test_what_is_spoken_chooses_at_the_terminal(
    model: str, language: str, answers: str, tmp_path: Path, recording: Path
) -> None:
    async with hearing(tmp_path, language) as service:
        source = LocalSource(service, wanted(model), None)
        await source.open(lambda done, of: None)
        async with source.transcribe(recording, "a.wav") as heard:
            async with aclosing(aiter(heard)) as segments:
                async for _ in segments:
                    pass
            assert heard.result().model == answers


async def test_what_is_spoken_chooses_for_plugins(tmp_path: Path, recording: Path) -> None:
    async with (
        hearing(tmp_path, "ru") as service,
        ServiceTranscriber(service).transcribe(recording, "auto") as heard,
        aclosing(aiter(heard)) as segments,
    ):
        async for _ in segments:
            pass
        assert heard.result().model == "russian"


async def test_what_a_model_cannot_honour_is_said_once(
    tmp_path: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with hearing(tmp_path, "ru") as service:
        source = LocalSource(service, wanted("auto", prompt="names"), None)
        for _ in range(2):
            async with source.transcribe(recording, "a.wav"):
                pass
    assert capsys.readouterr().err == "govor: 'russian' cannot honour: prompt\n"
