"""The model of a request: an id, an alias, plugin/id, or the first usable of the preference list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from govor.contract.models import ModelSpec
from govor.errors import ModelNotFound, ModelNotInstalled
from govor.models.catalogue import Catalogue
from govor.models.files.store import Store
from govor.models.selection.routing import Router
from govor.plugins import Plugins
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, plugins_of
from support.models.small_models import file_of

AWAY = (file_of("weights.bin", "hf:owner/large@main/weights.bin"),)
FAMILY = FakeBackend(
    ModelSpec("small", aliases=("tiny",)), ModelSpec("large", AWAY, aliases=("big",)), ModelSpec("plain")
)
RIVAL = FakeBackend(ModelSpec("small"), ModelSpec("other", aliases=("tiny", "third")))


@pytest.fixture
def router(tmp_path: Path) -> Callable[..., Router]:
    """Make a router of two families that both have a "small"; the files of "large" are not here."""

    def make(*preferences: str, plugins: Plugins | None = None, **aliases: str) -> Router:
        found = plugins or plugins_of(Settings(), family=FAMILY, rival=RIVAL)
        store = Store(tmp_path, offline=True)
        return Router(Catalogue(found, aliases), store, preferences)

    return make


@pytest.mark.parametrize("name", [None, "", "default", "Default", "whisper-1", "WHISPER-1"])
def test_a_request_without_a_model_gets_the_first_usable_of_the_list(
    router: Callable[..., Router], name: str | None
) -> None:
    chosen = router("unheard-of", "large", "plain", "small", **{"whisper-1": "default"}).choose(name)
    assert chosen.id == "plain"


def test_the_preference_list_may_hold_aliases(router: Callable[..., Router]) -> None:
    default = router("tiny").default()
    assert default is not None
    assert default.id == "small"


def test_if_nothing_of_the_list_is_installed_the_first_known_is_named(
    router: Callable[..., Router],
) -> None:
    with pytest.raises(ModelNotInstalled, match="`govor pull large`"):
        router("unheard-of", "large").choose(None)


def test_if_nothing_of_the_list_is_known_the_installed_models_are_named(
    router: Callable[..., Router],
) -> None:
    message = r"'unheard-of' of the setting `default_models` does not exist\. Available: small, plain, rival"
    with pytest.raises(ModelNotFound, match=message):
        router("unheard-of", **{"whisper-1": "default"}).choose("whisper-1")


def test_an_empty_list_is_named_as_such(router: Callable[..., Router]) -> None:
    with pytest.raises(
        ModelNotFound, match=r"'default' means no model: the setting `default_models` is empty"
    ):
        router().choose("")


@pytest.mark.parametrize(
    ("name", "qualified"),
    [
        ("small", "family/small"),
        ("family/small", "family/small"),
        ("rival/small", "rival/small"),
        ("tiny", "family/small"),
        ("Tiny", "family/small"),
        ("third", "rival/other"),
        ("mine", "rival/other"),
    ],
)
def test_a_name_leads_to_its_model(router: Callable[..., Router], name: str, qualified: str) -> None:
    assert router(mine="third").choose(name).qualified == qualified


def test_the_operators_alias_wins_over_a_models_own(router: Callable[..., Router]) -> None:
    assert router(tiny="other").choose("tiny").id == "other"


def test_the_error_for_an_unknown_name_lists_the_installed_models(router: Callable[..., Router]) -> None:
    with pytest.raises(ModelNotFound) as caught:
        router().choose("nonsense")
    message = "The model 'nonsense' does not exist. Available: small, plain, rival/small, other."
    assert str(caught.value) == message


def test_a_model_that_is_not_here_is_suggested_with_how_to_fetch_it(router: Callable[..., Router]) -> None:
    with pytest.raises(
        ModelNotFound, match=r"Did you mean 'large'\? It is not installed: `govor pull large`"
    ):
        router().choose("larg")


def test_all_names_begin_with_those_of_what_is_installed(router: Callable[..., Router]) -> None:
    assert router().known() == ["small", "plain", "rival/small", "other", "large"]


def test_a_plugin_that_failed_is_named_where_a_model_is_missing(router: Callable[..., Router]) -> None:
    plugins = plugins_of(Settings(), family=FAMILY, broken=ImportError("no library"))
    for name in ("nonsense", "default"):
        with pytest.raises(
            ModelNotFound, match="The models of the plugin 'broken' are missing, as it failed"
        ):
            router("absent", plugins=plugins).choose(name)


def test_a_plugin_that_never_has_models_is_not_blamed_for_their_absence(
    router: Callable[..., Router],
) -> None:
    plugins = plugins_of(Settings(), family=FAMILY, vad=FakeDetector())
    next(plugin for plugin in plugins if plugin.name == "vad").state = "failed"
    with pytest.raises(ModelNotFound) as caught:
        router(plugins=plugins).choose("nonsense")
    assert "failed" not in str(caught.value)


def test_with_no_model_at_all_the_answer_says_so(router: Callable[..., Router]) -> None:
    with pytest.raises(ModelNotFound, match="Available: none"):
        router(plugins=plugins_of(Settings())).choose("nonsense")


def test_the_error_for_a_model_that_is_not_installed_says_how_to_fetch_it(
    router: Callable[..., Router],
) -> None:
    with pytest.raises(ModelNotInstalled) as caught:
        router().choose("big")
    assert "`govor pull large`" in str(caught.value)
    assert '{"model": "large"}' in str(caught.value)


def test_only_models_that_are_here_are_usable(router: Callable[..., Router]) -> None:
    assert [model.id for model in router().usable()] == ["small", "plain", "rival/small", "other"]
