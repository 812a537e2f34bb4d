"""Candidates for "auto": lists by language, installed models, needed features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from govor.contract.models import Feature, ModelFile, ModelSpec
from govor.errors import ModelNotFound, ModelNotInstalled
from govor.models.catalogue import Catalogue
from govor.models.files.store import Store
from govor.models.selection.routing import Router
from govor.settings import Settings, load_settings
from govor.testing import FakeBackend, plugins_of

ABSENT = (ModelFile("weights", ("https://example.org/weights",)),)
SPECS = (
    ModelSpec("whisper", features=frozenset({Feature.DETECT, Feature.TRANSLATE})),
    ModelSpec("russian", languages=("ru",)),
    ModelSpec("better", ABSENT, languages=("ru",)),
    ModelSpec("nordic", languages=("fi", "sv"), features=frozenset({Feature.DETECT})),
)
NONE: Mapping[str, str] = MappingProxyType({})
ROUTES: Mapping[str, tuple[str, ...]] = {
    "ru": ("better", "russian"),
    "FI": ("nordic",),
    "default": ("nordic", "whisper"),
}


@pytest.fixture
def router(tmp_path: Path) -> Callable[..., Router]:
    def make(
        routes: Mapping[str, tuple[str, ...]] = ROUTES, *preferences: str, aliases: Mapping[str, str] = NONE
    ) -> Router:
        plugins = plugins_of(Settings(), family=FakeBackend(*SPECS))
        return Router(Catalogue(plugins, aliases), Store(tmp_path, offline=True), preferences, routes)

    return make


@pytest.mark.parametrize(
    ("language", "order"),
    [
        ("ru", ["russian", "whisper"]),
        ("fi", ["nordic", "whisper"]),
        ("de", ["whisper"]),
        (None, ["nordic", "whisper"]),
    ],
)
def test_a_language_has_its_list_then_the_default_one(
    router: Callable[..., Router], language: str | None, order: list[str]
) -> None:
    assert [model.id for model in router().candidates(language)] == order


def test_default_models_stand_behind_all_lists(router: Callable[..., Router]) -> None:
    models = router({"ru": ("russian",)}, "whisper", "nordic").candidates("ru")
    assert [model.id for model in models] == ["russian", "whisper"]


def test_a_language_that_no_list_knows_is_ignored(router: Callable[..., Router]) -> None:
    assert [model.id for model in router({"ru": ("russian",)}, "nordic").candidates("de")] == ["nordic"]


def test_only_who_can_translate_translates(router: Callable[..., Router]) -> None:
    assert [model.id for model in router().candidates("ru", {Feature.TRANSLATE})] == ["whisper"]


def test_without_any_model_it_says_what_is_missing(router: Callable[..., Router]) -> None:
    with pytest.raises(ModelNotInstalled, match="better"):
        router({"ru": ("better",)}).candidates("ru")
    with pytest.raises(ModelNotFound):
        router({}).candidates("ru")


def test_names_that_mean_auto(router: Callable[..., Router]) -> None:
    plain = router(aliases={"whisper-1": "auto", "tts": "whisper"})
    assert [plain.means_auto(name) for name in ("auto", "AUTO", "whisper-1", "tts", "", None)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    default = router(ROUTES, "auto", "whisper", aliases={"whisper-1": "default"})
    assert [default.means_auto(name) for name in ("", None, "default", "whisper-1", "whisper")] == [
        True, True, True, True, False,
    ]  # fmt: skip


def test_without_a_detector_auto_is_the_default_list(router: Callable[..., Router]) -> None:
    assert router().choose("auto").id == "nordic"


def test_those_of_the_default_list_are_asked_for_the_language_first(router: Callable[..., Router]) -> None:
    assert [model.id for model in router().detectors()] == ["nordic", "whisper"]
    assert [model.id for model in router({}).detectors()] == ["whisper", "nordic"]


def test_an_unknown_name_is_warned_of(
    router: Callable[..., Router], caplog: pytest.LogCaptureFixture
) -> None:
    router({"ru": ("gigam",)})
    assert "[routing] names a model 'gigam'" in caplog.text


def test_lists_come_from_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "plugins.toml"
    config.write_text('[routing]\nru = ["a", "b"]\ndefault = ["c"]\n', encoding="utf-8")
    monkeypatch.setenv("GOVOR_ROUTING", '{"en": "d,e"}')
    assert load_settings(config).routing == {"ru": ("a", "b"), "default": ("c",), "en": ("d", "e")}
