"""Plugins are found in order and called one by one; one that fails does not affect the others."""

import re
from dataclasses import replace
from importlib.metadata import distributions
from types import ModuleType, SimpleNamespace

import pytest
from pydantic import BaseModel

from govor import hookimpl
from govor.contract.models import Feature, ModelFile, ModelSpec, Variant
from govor.errors import ConfigurationError
from govor.models.catalogue import Catalogue
from govor.plugins import Plugins
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, plugins_of
from support.processes.packages import install_package

FILE = ModelFile("a.bin", ("https://a/b",))


class WithoutArguments:
    """Its hook lacks the parameter `settings`, which it does not need."""

    @hookimpl
    def backend(self):
        return FakeBackend("plain")


class ExtraArgument:
    """Its hook has a parameter that no hook gets."""

    @hookimpl
    def backend(self, settings, device):
        return FakeBackend()


class Misspelt:
    """Its author meant `backend`."""

    @hookimpl
    def backends(self, settings):
        return FakeBackend()


class Unmarked:
    """Its author forgot @govor.hookimpl."""

    def backend(self, settings):
        return FakeBackend()


class WrongTable(FakeBackend):
    @hookimpl
    def backend(self, settings):
        raise ValueError("[plugins.bad] beam_size: must be at least 1")


class Checked(FakeBackend):
    """Describes its table with a pydantic model."""

    class Table(BaseModel, extra="forbid"):
        beam_size: int = 5

    @hookimpl
    def backend(self, settings):
        self.Table.model_validate({"beam_size": "wide", "colour": 1})


class MisspeltTable(FakeBackend):
    class Table(BaseModel, extra="forbid"):
        beam_size: int = 5

    @hookimpl
    def backend(self, settings):
        self.Table.model_validate({"beam_sise": 5})


class SettingInTable(FakeBackend):
    class Table(BaseModel, extra="forbid"):
        beam_size: int = 5

    @hookimpl
    def backend(self, settings):
        self.Table.model_validate({"port": 5})


class Blueprint(FakeBackend):
    @hookimpl
    def backend(self, settings):
        return FakeBackend


class Forgetful(FakeBackend):
    @hookimpl
    def backend(self, settings):
        return None


class Unlisted(FakeBackend):
    def models(self):
        raise RuntimeError("the list is on a server")


class ListOfNames(FakeBackend):
    def models(self):
        return ["small", "large"]


class BrokenDetector(FakeDetector):
    @hookimpl
    def vad(self, settings):
        raise OSError("the weights are damaged")


class ModelsAndBrokenDetector(FakeBackend):
    @hookimpl
    def vad(self, settings):
        raise OSError("the weights are damaged")


class Panic(BaseException):
    """A failure of a library in Rust, as PyO3 raises it: it is no Exception."""


class Panicking(FakeBackend):
    @hookimpl
    def backend(self, settings):
        raise Panic("the thread is poisoned")


def names(plugins):
    return [plugin.name for plugin in plugins]


def named(plugins, name):
    return next(plugin for plugin in plugins if plugin.name == name)


def test_plugins_come_by_name_where_no_order_is_set():
    plugins = plugins_of(Settings(), whisper=FakeBackend(), echo=FakeBackend(), silero=FakeDetector())
    assert names(plugins) == ["echo", "silero", "whisper"]


def test_the_order_comes_first_and_the_rest_by_name():
    fakes = {name: FakeBackend() for name in ("whisper", "echo", "alpha", "silero")}
    assert names(plugins_of(Settings(order=("silero", "absent", "echo")), **fakes)) == [
        "silero",
        "echo",
        "alpha",
        "whisper",
    ]


def test_a_ready_plugin_has_its_hooks_and_models():
    plugin = named(plugins_of(Settings(), family=FakeBackend("small", "large")), "family")
    assert (plugin.state, plugin.reason, plugin.hooks) == ("ready", "", ("backend",))
    assert [spec.id for spec in plugin.models] == ["small", "large"]


def test_an_installed_plugin_is_found_with_its_distribution():
    plugin = named(Plugins(Settings()), "echo")
    assert (plugin.state, plugin.distribution) == ("ready", "govor-echo")
    assert re.fullmatch(r"\d+\.\d+.*", plugin.version)


def test_a_hook_may_leave_out_arguments_it_does_not_need():
    assert [spec.id for spec in named(plugins_of(Settings(), x=WithoutArguments()), "x").models] == ["plain"]


def test_a_misspelt_name_of_a_plugin_is_warned_of_with_the_right_one(caplog):
    plugins_of(Settings(plugins={"wisper": {}}), whisper=FakeBackend("tiny"))
    assert "a plugin 'wisper', which is not installed; did you mean 'whisper'?" in caplog.text


def test_a_disabled_plugin_is_listed_but_not_imported():
    settings = Settings(disable=("broken",))
    plugin = named(plugins_of(settings, broken=ImportError("no libtorch.so")), "broken")
    assert (plugin.state, plugin.reason, plugin.models) == ("disabled", "", ())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(ImportError("no libtorch.so"), "ImportError: no libtorch.so", id="import raises"),
        pytest.param(SystemExit("this CPU has no AVX"), "SystemExit: this CPU", id="import exits"),
        pytest.param(Panic("no libstdc++"), r"^Panic: no libstdc\+\+$", id="import panics"),
        pytest.param(Panicking(), "^Panic: the thread is poisoned$", id="hook panics"),
        pytest.param(Misspelt(), "unknown hook 'backends'", id="misspelt hook"),
        pytest.param(ExtraArgument(), r"Argument\(s\) \{'device'\} are declared", id="extra argument"),
        pytest.param(Unmarked(), "no hook; is @govor.hookimpl missing", id="unmarked hook"),
        pytest.param(ModuleType("empty"), "no hook; is @govor.hookimpl missing", id="empty module"),
        pytest.param(SimpleNamespace(), "unhashable type", id="unhashable object"),
        pytest.param(WrongTable(), r"ValueError: \[plugins.bad\] beam_size", id="backend raises"),
        pytest.param(
            Checked(),
            r"^ValueError: \[plugins.bad\] beam_size: must be a whole number; there is no key 'colour'$",
            id="table is checked by pydantic",
        ),
        pytest.param(
            MisspeltTable(),
            r"^ValueError: \[plugins.bad\] there is no key 'beam_sise'; did you mean 'beam_size'\?$",
            id="a key is misspelt",
        ),
        pytest.param(
            SettingInTable(),
            r"^ValueError: \[plugins.bad\] 'port' is a setting of the server, and stands at the top",
            id="a setting of the server",
        ),
        pytest.param(Blueprint(), r"backend\(\) gave the class FakeBackend: give an object", id="a class"),
        pytest.param(Forgetful(), "hook 'backend' returned None", id="backend returns None"),
        pytest.param(Unlisted(), "RuntimeError: the list is on a server", id="models raises"),
        pytest.param(ListOfNames(), "models.. gave str instead of ModelSpec", id="models are names"),
        pytest.param(FakeBackend("a", "a"), "model id 'a' is empty or declared twice", id="model twice"),
        pytest.param(FakeBackend(ModelSpec("")), "model id '' is empty", id="model without id"),
        pytest.param(
            FakeBackend(ModelSpec("a", aliases="shout")),
            r"^TypeError: model 'a': `aliases` is 'shout': give a tuple, as in \(…,\)$",
            id="a text is no tuple",
        ),
        pytest.param(
            FakeBackend(ModelSpec("a", languages=["en"])), r"`languages` is \['en'\]: give", id="list"
        ),
        pytest.param(FakeBackend(ModelSpec("a", files=FILE)), "`files` is ModelFile", id="one file"),
        pytest.param(
            FakeBackend(ModelSpec("a", files=(replace(FILE, sources="https://a/b"),))),
            "`sources` is 'https://a/b': give a tuple",
            id="one source",
        ),
        pytest.param(
            FakeBackend(ModelSpec("a", variants=(Variant("int8", [FILE]),))), "`files` is", id="variant"
        ),
        pytest.param(
            FakeBackend(ModelSpec("a", features={Feature.WORDS})),
            "`features` is .*: give a frozenset",
            id="set",
        ),
    ],
)
def test_a_plugin_that_fails_is_recorded_with_its_reason_and_the_others_work(bad, reason):
    plugins = plugins_of(Settings(), a=FakeBackend("first"), bad=bad, z=FakeBackend("last"))
    failed = named(plugins, "bad")
    assert (failed.state, failed.backend, failed.models) == ("failed", None, ())
    assert re.search(reason, failed.reason), failed.reason
    assert [(p.state, p.models[0].id) for p in plugins if p is not failed] == [
        ("ready", "first"),
        ("ready", "last"),
    ]


FAKE = "from govor.testing import FakeBackend\nbackend = FakeBackend(__name__).backend\n"


@pytest.fixture
def found_in(tmp_path, monkeypatch):
    """Packages, each with the names of its plugins and a module for each name, as entry points."""

    def install(packages, source=FAKE):
        for package, modules in packages.items():
            for module in modules.values():
                (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
            lines = "".join(f"{name} = {module}\n" for name, module in modules.items())
            install_package(tmp_path, package, {}, f"[govor]\n{lines}")
        monkeypatch.syspath_prepend(tmp_path)
        found = sorted(distributions(path=[str(tmp_path)]), key=lambda each: each.name)
        return [point for dist in found for point in dist.entry_points]

    return install


def test_of_two_packages_with_a_plugin_of_one_name_the_first_is_used_and_the_fault_names_it(found_in):
    points = found_in({"govor-one": {"twin": "twin_one"}, "govor-two": {"twin": "twin_two"}})
    first, second = plugins = Plugins(Settings(), points)
    assert [(plugin.distribution, plugin.state) for plugin in plugins] == [
        ("govor-one", "ready"),
        ("govor-two", "failed"),
    ]
    assert second.reason == (
        "ValueError: the package 'govor-one' has a plugin of this name, which is used: uninstall one"
    )
    own = ModelSpec("mine")
    assert Catalogue(plugins, {}, [("twin", own)]).find("mine").backend is first.backend


def test_a_module_under_two_names_is_used_under_the_first(found_in):
    points = found_in({"govor-one": {"a": "shared_module", "b": "shared_module"}})
    assert [plugin.reason for plugin in Plugins(Settings(), points)] == [
        "",
        "ValueError: its module is that of the plugin 'a', which is used",
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("from govor import Hologram\n", "cannot import name 'Hologram' from 'govor': .*: upgrade Govor$"),
        ("import govor\nGOVOR_CONTRACT = (1, 99)\ngovor.Hologram\n", r"contract 1\.99, .*: upgrade Govor$"),
        ("import govor\ngovor.Hologram\n", "^AttributeError: module 'govor' has no attribute 'Hologram'$"),
        ("import no_such_library\n", "^ModuleNotFoundError: No module named 'no_such_library'$"),
    ],
)
def test_a_plugin_that_needs_a_later_govor_is_told_so_though_its_import_fails(found_in, source, told):
    (point,) = found_in({"govor-later": {"later": f"later_{len(source)}"}}, source)
    (plugin,) = Plugins(Settings(), [point])
    assert plugin.state == "failed"
    assert re.search(told, plugin.reason), plugin.reason


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"require": ("absent",)}, "'absent' is required but not ready: not installed"),
        ({"require": ("echo", "bad")}, "'bad' is required but not ready: ImportError: no libtorch.so"),
        ({"require": ("echo",), "disable": ("echo",)}, "'echo' is required but not ready: disabled"),
    ],
)
def test_a_required_plugin_that_is_not_ready_keeps_the_server_from_starting(settings, said):
    with pytest.raises(ConfigurationError, match=said):
        plugins_of(Settings(**settings), echo=FakeBackend(), bad=ImportError("no libtorch.so"))


def test_a_required_plugin_that_is_ready_is_no_hindrance():
    assert names(plugins_of(Settings(require=("echo",)), echo=FakeBackend())) == ["echo"]


def test_every_plugin_is_given_its_own_table_and_no_other():
    tables = {"a": {"beam_size": 2}, "b": {"path": "weights.onnx"}}
    a, b, c = FakeBackend(), FakeDetector(), FakeBackend()
    plugins_of(Settings(plugins=tables), a=a, b=b, c=c)
    assert (a.settings, b.settings, c.settings) == (tables["a"], tables["b"], {})


def test_a_detector_that_fails_takes_no_models_away():
    plugins = plugins_of(Settings(), both=ModelsAndBrokenDetector("small"))
    plugin = named(plugins, "both")
    assert [spec.id for spec in plugin.models] == ["small"]
    assert plugin.backend is not None
    assert (plugin.state, plugin.reason) == ("ready", "OSError: the weights are damaged")
