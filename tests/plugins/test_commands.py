"""Plugins add commands to `govor`; they cannot break it or delay the core's own commands."""

import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from govor import hookimpl
from govor.cli import cli
from govor.cli.plugin_commands import PluginCommand
from govor.errors import GovorError
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of
from support.processes.packages import install_package

BACKENDS = Path(__file__).parents[2] / "backends"
COMMAND = """
import click

@click.command(short_help="Say {word}.")
@click.pass_context
def {name}(context):
    click.echo("{word}")
    click.echo(context.meta["govor.settings"]())
"""


def command(name, says=""):
    return click.Command(name, callback=lambda: click.echo(says), short_help=f"Say {says}.")


class Commands:
    """A plugin with the given commands."""

    def __init__(self, *commands):
        self._commands = commands
        self.settings = None

    @hookimpl
    def commands(self, settings):
        self.settings = settings
        return self._commands


class Exits:
    @hookimpl
    def commands(self):
        raise SystemExit("this CPU has no AVX")


class ModelsAndNoCommands(FakeBackend):
    @hookimpl
    def commands(self):
        raise OSError("the list is damaged")


def state(plugins, name):
    return next((plugin.state, plugin.reason) for plugin in plugins if plugin.name == name)


@pytest.fixture
def govor(tmp_path, monkeypatch):
    """Run `govor` with only these plugins to load; return the result and the Plugins it made."""
    monkeypatch.chdir(tmp_path)

    def run(*args, **plugins):
        made = []

        def open_plugins(settings):
            made.append(plugins_of(settings, **plugins))
            return made[-1]

        monkeypatch.setattr("govor.plugins.Plugins", open_plugins)
        return CliRunner().invoke(cli, args, prog_name="govor"), made

    return run


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with a plugin and a command: its source, or a word that it says."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    before = set(sys.modules)

    def declare(plugin, name, word="", source=None):
        module = f"commands_of_{plugin}"
        code = COMMAND.format(name=name, word=word) if source is None else source
        points = f"[govor]\n{plugin} = {module}\n[govor.commands]\n{name} = {module}:{name}\n"
        install_package(tmp_path / "site", f"govor-{plugin}", {f"{module}.py": code}, points)

    yield declare
    for name in set(sys.modules) - before:
        if name.startswith("commands_of_"):
            del sys.modules[name]


def listed(result):
    """Names and lines of the help."""
    return dict(re.findall(r"^  ([\w-]+)  +(\S.*)$", result.stdout.partition("Commands:")[2], re.MULTILINE))


def test_a_declared_command_runs_and_no_plugin_is_loaded_for_it(govor, install):
    install("a", "greet", "hello")
    result, made = govor("greet")
    assert (result.exit_code, result.output, made) == (0, "hello\n{}\n", [])


def test_the_help_lists_declared_commands_among_the_cores_and_loads_no_plugin(govor, install):
    install("a", "greet", "hello")
    install("b", "zoom", "far")
    result, made = govor("--help")
    found = listed(result)
    assert list(found) == sorted(found)
    assert {"greet", "models", "plugins", "serve", "transcribe", "zoom"} <= found.keys()
    assert (found["greet"], found["zoom"], made) == ("Say hello.", "Say far.", [])


@pytest.mark.parametrize("args", [("serve", "--help"), ("models", "pull", "--help"), ("--version",)])
def test_the_cores_own_commands_import_no_others(govor, install, args):
    install("a", "greet", source="raise SystemExit('imported')")
    result, made = govor(*args, a=Commands(command("greet")))
    assert (result.exit_code, made) == (0, [])
    assert "commands_of_a" not in sys.modules


def test_a_declared_command_gets_its_plugins_own_table_of_the_configuration_that_is_named(
    govor, install, tmp_path
):
    (tmp_path / "own.toml").write_text('[plugins.a]\nword = "ho"\n[plugins.b]\n', encoding="utf-8")
    install("a", "greet", "hello")
    install("b", "zoom", "far")
    assert govor("--config", "own.toml", "greet")[0].output == "hello\n{'word': 'ho'}\n"
    assert govor("--config", "own.toml", "zoom")[0].output == "far\n{}\n"


def test_a_disabled_plugins_command_is_missing(govor, install, tmp_path, monkeypatch):
    (tmp_path / "own.toml").write_text('disable = ["a"]\n', encoding="utf-8")
    install("a", "greet", "hello")
    install("b", "zoom", "far")
    result, _ = govor("--config", "own.toml", "--help")
    assert result.exit_code == 0
    assert listed(result).keys() & {"greet", "zoom"} == {"zoom"}
    assert "No such command 'greet'." in govor("--config", "own.toml", "greet")[0].stderr
    assert "greet" in listed(govor("--help")[0])
    monkeypatch.setenv("GOVOR_DISABLE", "b")
    assert listed(govor("--help")[0]).keys() & {"greet", "zoom"} == {"greet"}


@pytest.mark.parametrize("config", ["absent.toml", "wrong.toml", "broken.toml"])
def test_a_broken_configuration_leaves_the_help_and_the_cores_commands(govor, install, tmp_path, config):
    (tmp_path / "wrong.toml").write_text("disable = 3\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("disable", encoding="utf-8")
    install("a", "greet", "hello")
    result, _ = govor("--config", config, "--help")
    assert result.exit_code == 0
    assert "transcribe" in listed(result)
    assert result.stderr.startswith("govor: The plugins' commands are missing: ")
    assert result.stderr.count("\n") == 1
    result, _ = govor("--config", config, "greet")
    assert (result.exit_code, result.stderr.count("commands are missing")) == (2, 1)
    result, _ = govor("--config", config, "transcribe", "--help")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("raise SystemExit('no AVX')", "failed: SystemExit: no AVX", id="module exits"),
        pytest.param("raise BaseException('panic')", "failed: BaseException: panic", id="module panics"),
        pytest.param("import nothing_like_it", "failed: ModuleNotFoundError: No module", id="import raises"),
        pytest.param("other = 1", "failed: AttributeError: ", id="absent"),
        pytest.param("bad = 'greet'", "is str instead of click.Command.", id="no command"),
    ],
)
def test_a_declared_command_that_fails_is_named_and_the_others_are_listed(govor, install, source, reason):
    install("a", "bad", source=source)
    install("b", "zoom", "far")
    result, _ = govor("--help")
    assert result.exit_code == 0
    assert listed(result).keys() & {"bad", "zoom"} == {"zoom"}
    assert f"govor: The command 'bad' of the plugin 'a' {reason}" in result.stderr
    result, _ = govor("bad")
    assert isinstance(result.exception, GovorError)
    assert reason in str(result.exception)


def test_a_declared_command_cannot_take_a_name_of_the_core(govor, install, caplog):
    install("a", "serve", "mine")
    result, _ = govor("--help")
    assert "Say mine." not in result.stdout
    assert "Plugin 'a' has a command 'serve', whose name is taken" in caplog.text


def test_of_two_declared_commands_the_first_plugin_in_order_keeps_the_name(govor, install, caplog, tmp_path):
    install("a", "greet", "first")
    install("z", "greet", "second")
    assert listed(govor("--help")[0])["greet"] == "Say first."
    (tmp_path / "plugins.toml").write_text('order = ["z"]\n', encoding="utf-8")
    assert listed(govor("--help")[0])["greet"] == "Say second."
    assert "Plugin 'a' has a command 'greet', whose name is taken" in caplog.text


def test_every_command_that_a_plugin_of_the_repository_declares_has_a_line_of_help():
    found = []
    for path in sorted(BACKENDS.glob("*/pyproject.toml")):
        points = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["entry-points"]
        for name, value in points.get("govor.commands", {}).items():
            pytest.importorskip(value.partition(":")[0])
            declared = PluginCommand(path.parent.name, EntryPoint(name, value, "govor.commands")).load()
            assert declared.get_short_help_str(60).endswith("."), name
            found.append(name)
    assert found == ["export"]


def test_a_command_of_the_hook_runs_though_the_hook_is_deprecated(govor):
    with pytest.warns(DeprecationWarning, match="'greet': declare it as an entry point of govor.commands"):
        result, _ = govor("greet", a=Commands(command("greet", "hello")))
    assert (result.exit_code, result.output) == (0, "hello\n")
    result, made = govor("--help", a=Commands(command("greet", "hello")))
    assert ("greet" in listed(result), made) == (False, [])


def test_the_hook_is_given_the_plugins_own_table_of_the_configuration_that_is_named(govor, tmp_path):
    (tmp_path / "own.toml").write_text('[plugins.a]\nword = "ho"\n', encoding="utf-8")
    a, b = Commands(command("greet")), Commands(command("zoom"))
    with pytest.warns(DeprecationWarning, match="'zoom'"):
        govor("--config", "own.toml", "zoom", a=a, b=b)
    assert (a.settings, b.settings) == ({"word": "ho"}, {})


def test_a_broken_configuration_is_the_reason_that_an_unknown_command_is_missing(govor, tmp_path):
    (tmp_path / "strict.toml").write_text('require = ["absent"]\n', encoding="utf-8")
    result, _ = govor("--config", "strict.toml", "greet", a=Commands(command("greet", "hello")))
    assert result.exit_code == 2
    assert result.stderr.startswith("govor: The plugins' commands are missing: ")


def test_an_unknown_command_is_an_error(govor):
    result, _ = govor("listen", b=ImportError("no libtorch.so"))
    assert result.exit_code == 2
    assert "No such command 'listen'." in result.stderr


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(Exits(), "SystemExit: this CPU has no AVX", id="hook exits"),
        pytest.param(Commands("greet"), "commands.. gave str instead of click.Command", id="names"),
        pytest.param(Commands(command(None)), "command name '' is empty or declared twice", id="nameless"),
        pytest.param(Commands(command("a"), command("a")), "'a' is empty or declared twice", id="twice"),
        pytest.param(ImportError("no libtorch.so"), "ImportError: no libtorch.so", id="import raises"),
    ],
)
def test_a_plugin_whose_hook_fails_is_recorded_and_the_others_work(bad, reason):
    plugins = plugins_of(Settings(), a=Commands(command("first")), bad=bad, z=Commands(command("last")))
    assert plugins.commands(()).keys() == {"first", "last"}
    failed, why = state(plugins, "bad")
    assert failed == "failed"
    assert re.search(reason, why), why


def test_commands_that_fail_take_no_models_away():
    plugins = plugins_of(Settings(), both=ModelsAndNoCommands("small"))
    assert plugins.commands(()) == {}
    assert state(plugins, "both") == ("ready", "OSError: the list is damaged")
    assert [spec.id for plugin in plugins for spec in plugin.models] == ["small"]


def test_a_name_of_the_core_cannot_be_taken(caplog):
    plugins = plugins_of(Settings(), a=Commands(command("serve", "mine"), command("greet", "hello")))
    assert plugins.commands({"serve"}).keys() == {"greet"}
    assert "Plugin 'a' has a command 'serve', whose name is taken" in caplog.text


def test_the_first_plugin_in_order_keeps_a_name(caplog):
    first, second = command("greet", "first"), command("greet", "second")
    plugins = plugins_of(Settings(order=("z",)), a=Commands(second), z=Commands(first))
    assert plugins.commands(()) == {"greet": first}
    assert "Plugin 'a' has a command 'greet', whose name is taken" in caplog.text


def test_a_plugin_without_the_hook_or_disabled_offers_none():
    plugins = plugins_of(Settings(disable=("off",)), off=Commands(command("greet")), models=FakeBackend())
    assert plugins.commands(()) == {}
