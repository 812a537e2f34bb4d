"""A plugin's diarizer is found in order and kept like a model; its failure affects no other plugin."""

from __future__ import annotations

import pytest

from govor import hookimpl
from govor.contract.models import ModelFile, ModelKind, ModelSpec, RuntimeOptions
from govor.errors import ModelNotInstalled, UnsupportedOperation
from govor.models.catalogue import Catalogue
from govor.models.files.store import Store
from govor.models.selection.routing import Router
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDiarizer, plugins_of


class Stubborn:
    """Its diarizer raises an error."""

    @hookimpl
    def diarizer(self, settings):
        raise ValueError("[plugins.stubborn] threshold: must be below 1")


class Unspecified:
    """Its diarizer declares no ModelSpec."""

    def models(self):
        return ["voices"]

    @hookimpl
    def diarizer(self, settings):
        return self


class Mistaken(Unspecified):
    """Its diarizer offers models that write text."""

    def models(self):
        return [ModelSpec("voices")]


class Pair(FakeDiarizer):
    """A family of two diarizers."""

    def models(self):
        return [ModelSpec(name, kind=ModelKind.DIARIZATION) for name in ("one-voice", "two-voices")]


class Both(FakeBackend):
    """A plugin with a family and two diarizers."""

    @hookimpl
    def diarizer(self, settings):
        return Pair()


class Old:
    """A diarizer as plugins of 0.1 have it."""

    spec = ModelSpec("old-diarizer")

    @hookimpl
    def diarizer(self, settings):
        return self

    def load(self, spec, folder, runtime):
        return FakeDiarizer(spec=spec)


def the_diarizer(catalogue):
    return catalogue.of_kind(ModelKind.DIARIZATION)[0]


def test_the_first_in_order_is_used():
    plugins = plugins_of(
        Settings(order=["second"]),
        first=FakeDiarizer(spec=ModelSpec("one")),
        second=FakeDiarizer(spec=ModelSpec("two")),
    )
    catalogue = Catalogue(plugins, {})
    assert the_diarizer(catalogue).id == "two"
    assert catalogue.find("one").transcribes is False


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Stubborn(), "must be below 1"),
        (Unspecified(), "str instead of ModelSpec"),
        (Mistaken(), "of the kind transcription: diarizer() offers diarization"),
    ],
)
def test_one_that_fails_is_recorded_and_the_next_is_used(broken, reason):
    plugins = plugins_of(Settings(), broken=broken, works=FakeDiarizer())
    failed = next(plugin for plugin in plugins if plugin.name == "broken")
    assert failed.state == "failed"
    assert reason in failed.reason
    assert the_diarizer(Catalogue(plugins, {})).plugin == "works"


def test_a_plugin_may_have_a_family_and_diarizers():
    catalogue = Catalogue(plugins_of(Settings(), both=Both("family")), {})
    assert [(model.id, model.transcribes) for model in catalogue] == [
        ("family", True),
        ("one-voice", False),
        ("two-voices", False),
    ]


def test_a_diarizer_is_never_asked_for_text(tmp_path):
    plugins = plugins_of(Settings(), family=FakeBackend("family"), voices=FakeDiarizer())
    router = Router(Catalogue(plugins, {}), Store(tmp_path, offline=True), ["fake-diarizer", "family"])
    assert router.choose(None).id == "family"
    assert [model.id for model in router.usable()] == ["family"]
    with pytest.raises(UnsupportedOperation, match="writes no text"):
        router.choose("fake-diarizer")


def test_a_diarizer_in_the_shape_of_0_1_works_with_a_warning(tmp_path, caplog):
    catalogue = Catalogue(plugins_of(Settings(), old=Old()), {})
    model = the_diarizer(catalogue)
    assert (model.id, model.transcribes) == ("old-diarizer", False)
    assert model.backend.load(model.spec, tmp_path, RuntimeOptions()).finish() == ()
    assert "the plugin 'old' is written for Govor 0.1: its diarizer has `spec`" in caplog.text


def test_of_several_diarizers_the_first_that_is_installed_is_used(tmp_path):
    away = ModelSpec("away", (ModelFile("weights", ("hf:owner/voices@main/weights",)),))
    plugins = plugins_of(Settings(), a=FakeDiarizer(spec=away), b=FakeDiarizer(spec=ModelSpec("here")))
    router = Router(Catalogue(plugins, {}), Store(tmp_path, offline=True), [])
    assert router.diarizer().id == "here"


def test_a_diarizer_whose_files_are_away_is_named(tmp_path):
    spec = ModelSpec("voices", (ModelFile("weights", ("hf:owner/voices@main/weights",)),))
    plugins = plugins_of(Settings(), voices=FakeDiarizer(spec=spec))
    router = Router(Catalogue(plugins, {}), Store(tmp_path, offline=True), [])
    with pytest.raises(ModelNotInstalled, match="voices"):
        router.diarizer()
