"""A plugin's diarizer is found in order and kept like a model; its failure affects no other plugin."""

from __future__ import annotations

import pytest

from govor import hookimpl
from govor.contract.models import ModelFile, ModelSpec
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

    spec = "voices"

    @hookimpl
    def diarizer(self, settings):
        return self


class Both(FakeBackend, FakeDiarizer):
    """A plugin with a family and a diarizer."""

    def __init__(self):
        FakeBackend.__init__(self, "family")
        self.spec = ModelSpec("both-diarizer")


def test_the_first_in_order_is_used():
    plugins = plugins_of(
        Settings(order=["second"]),
        first=FakeDiarizer(spec=ModelSpec("one")),
        second=FakeDiarizer(spec=ModelSpec("two")),
    )
    catalogue = Catalogue(plugins, {})
    assert catalogue.diarizer.id == "two"
    assert catalogue.find("one").transcribes is False


@pytest.mark.parametrize(
    ("broken", "reason"), [(Stubborn(), "must be below 1"), (Unspecified(), "str instead of ModelSpec")]
)
def test_one_that_fails_is_recorded_and_the_next_is_used(broken, reason):
    plugins = plugins_of(Settings(), broken=broken, works=FakeDiarizer())
    failed = next(plugin for plugin in plugins if plugin.name == "broken")
    assert failed.state == "failed"
    assert reason in failed.reason
    assert Catalogue(plugins, {}).diarizer.plugin == "works"


def test_a_plugin_may_have_a_family_and_a_diarizer():
    catalogue = Catalogue(plugins_of(Settings(), both=Both()), {})
    assert [(model.id, model.transcribes) for model in catalogue] == [
        ("family", True),
        ("both-diarizer", False),
    ]


def test_a_diarizer_is_never_asked_for_text(tmp_path):
    plugins = plugins_of(Settings(), family=FakeBackend("family"), voices=FakeDiarizer())
    router = Router(Catalogue(plugins, {}), Store(tmp_path, offline=True), ["fake-diarizer", "family"])
    assert router.choose(None).id == "family"
    assert [model.id for model in router.usable()] == ["family"]
    with pytest.raises(UnsupportedOperation, match="writes no text"):
        router.choose("fake-diarizer")


def test_a_diarizer_whose_files_are_away_is_named(tmp_path):
    spec = ModelSpec("voices", (ModelFile("weights", ("hf:owner/voices@main/weights",)),))
    plugins = plugins_of(Settings(), voices=FakeDiarizer(spec=spec))
    router = Router(Catalogue(plugins, {}), Store(tmp_path, offline=True), [])
    with pytest.raises(ModelNotInstalled, match="voices"):
        router.diarizer()
