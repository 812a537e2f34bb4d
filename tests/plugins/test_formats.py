"""The hook `formats`: one plugin's fault is its own, and the order decides between two of one name."""

import pytest

from govor import ResponseFormat, Transcript, hookimpl
from govor.formats.rendering.known_formats import Formats
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of


class Offering:
    """A plugin with these formats."""

    def __init__(self, *offered):
        self.offered = offered

    @hookimpl
    def formats(self, settings):
        return [each(settings) if callable(each) else each for each in self.offered]


class ModelsAndOffering(FakeBackend):
    @hookimpl
    def formats(self, settings):
        raise OSError("the template is damaged")


def csv(body):
    return ResponseFormat("csv", "text/csv", ".csv", lambda transcript, shown: body)


def test_formats_come_with_their_plugins_names_and_table():
    settings = Settings(plugins={"b": {"word": "ho"}})
    plugins = plugins_of(settings, a=Offering(csv("1")), b=Offering(lambda table: csv(table["word"])))
    assert [name for name, _ in plugins.formats()] == ["a", "b"]
    assert [own.render(None, None) for _, own in plugins.formats()] == ["1", "ho"]


@pytest.mark.parametrize(("order", "first"), [((), "1"), (("b",), "2")])
def test_the_first_in_the_order_keeps_a_name(order, first):
    plugins = plugins_of(Settings(order=order), a=Offering(csv("1")), b=Offering(csv("2")))
    formats = Formats(plugins.formats())
    nothing = Transcript("", (), 0.0, None, "transcribe", "fake")
    body, _ = formats.render(nothing, "csv", words=False, segments=True, logprobs=False)
    assert body == first


def test_a_faulty_plugin_has_failed_and_the_others_go_on():
    plugins = plugins_of(Settings(), a=Offering("csv"), b=Offering(csv("2")), c=Offering(csv("1"), csv("2")))
    assert {plugin.name: plugin.reason for plugin in plugins} == {
        "a": "TypeError: formats() gave str instead of ResponseFormat",
        "b": "",
        "c": "ValueError: format 'csv' is declared twice",
    }
    assert [plugin.state for plugin in plugins] == ["failed", "ready", "failed"]
    assert [name for name, _ in plugins.formats()] == ["b"]


def test_models_stay_if_their_plugins_formats_fail():
    (plugin,) = plugins_of(Settings(), family=ModelsAndOffering("small"))
    assert (plugin.state, plugin.reason) == ("ready", "OSError: the template is damaged")


def test_a_disabled_plugin_has_no_formats():
    plugins = plugins_of(Settings(disable=("a",)), a=Offering(csv("1")))
    assert list(plugins.formats()) == []
