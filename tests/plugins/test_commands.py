"""Plugins add commands to `govor`; they cannot break it or delay the core's own commands."""

import re

import click
import pytest
from click.testing import CliRunner

from govor import hookimpl
from govor.cli import cli
from govor.plugins import Plugins
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of


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
    """Run `govor` with only these plugins installed; return the result and the Plugins that it made."""
    monkeypatch.chdir(tmp_path)

    def run(*args, **plugins):
        made = []

        def open_plugins(settings):
            made.append(plugins_of(settings, **plugins))
            return made[-1]

        monkeypatch.setattr("govor.plugins.Plugins", open_plugins)
        return CliRunner().invoke(cli, args, prog_name="govor"), made

    return run


def test_a_plugins_command_runs(govor):
    result, _ = govor("greet", a=Commands(command("greet", "hello")))
    assert (result.exit_code, result.output) == (0, "hello\n")


def test_the_help_lists_the_plugins_commands_among_the_cores(govor):
    result, made = govor("--help", a=Commands(command("greet", "hello")), b=Commands(command("zoom", "far")))
    listed = re.findall(r"^  (\w+)  +\S", result.stdout, re.MULTILINE)
    assert listed == sorted(listed)
    assert {"greet", "models", "plugins", "serve", "transcribe", "zoom"} <= set(listed)
    assert "Say hello." in result.stdout
    assert len(made) == 1, "the plugins were loaded more than once"


@pytest.mark.parametrize("args", [("serve", "--help"), ("models", "pull", "--help"), ("--version",)])
def test_the_cores_own_commands_load_no_plugin_for_it(govor, args):
    result, made = govor(*args, a=Commands(command("greet")))
    assert (result.exit_code, made) == (0, [])


def test_the_hook_is_given_the_plugins_own_table_of_the_configuration_that_is_named(govor, tmp_path):
    (tmp_path / "own.toml").write_text('[plugins.a]\nword = "ho"\n', encoding="utf-8")
    a, b = Commands(command("greet")), Commands(command("zoom"))
    govor("--config", "own.toml", "zoom", a=a, b=b)
    assert (a.settings, b.settings) == ({"word": "ho"}, {})


def test_the_help_is_that_of_the_configuration_that_is_named(govor, tmp_path):
    (tmp_path / "own.toml").write_text('disable = ["a"]\n', encoding="utf-8")
    result, _ = govor("--config", "own.toml", "--help", a=Commands(command("greet", "hello")))
    assert result.exit_code == 0
    assert "greet" not in result.output


@pytest.mark.parametrize("config", ["absent.toml", "wrong.toml", "strict.toml"])
def test_a_broken_configuration_leaves_the_help_and_the_cores_commands(govor, tmp_path, config):
    (tmp_path / "wrong.toml").write_text("order = 3\n", encoding="utf-8")
    (tmp_path / "strict.toml").write_text('require = ["absent"]\n', encoding="utf-8")
    result, _ = govor("--config", config, "--help", a=Commands(command("greet", "hello")))
    assert result.exit_code == 0
    assert "transcribe" in result.stdout
    assert result.stderr.startswith("govor: The plugins' commands are missing: ")
    assert result.stderr.count("\n") == 1
    result, _ = govor("--config", config, "transcribe", "--help", a=Commands(command("greet", "hello")))
    assert (result.exit_code, result.stderr) == (0, "")


def test_an_unknown_command_is_an_error(govor):
    result, _ = govor("listen", a=Commands(command("greet")), b=ImportError("no libtorch.so"))
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
def test_a_plugin_whose_commands_fail_is_recorded_and_the_others_work(govor, bad, reason):
    result, [plugins] = govor("--help", a=Commands(command("first")), bad=bad, z=Commands(command("last")))
    assert result.exit_code == 0
    assert {"first", "last"} <= set(re.findall(r"^  (\w+)", result.stdout, re.MULTILINE))
    failed, why = state(plugins, "bad")
    assert failed == "failed"
    assert re.search(reason, why), why


def test_commands_that_fail_take_no_models_away():
    plugins = plugins_of(Settings(), both=ModelsAndNoCommands("small"))
    assert plugins.commands(()) == {}
    assert state(plugins, "both") == ("ready", "OSError: the list is damaged")
    assert [spec.id for plugin in plugins for spec in plugin.models] == ["small"]


def test_a_name_of_the_core_cannot_be_taken(govor, caplog):
    result, _ = govor("--help", a=Commands(command("serve", "mine"), command("greet", "hello")))
    assert "Say mine." not in result.stdout
    assert "Say hello." in result.stdout
    assert "Plugin 'a' has a command 'serve', whose name is taken" in caplog.text


def test_the_first_plugin_in_order_keeps_a_name(caplog):
    first, second = command("greet", "first"), command("greet", "second")
    plugins = plugins_of(Settings(order=("z",)), a=Commands(second), z=Commands(first))
    assert plugins.commands(()) == {"greet": first}
    assert "Plugin 'a' has a command 'greet', whose name is taken" in caplog.text


def test_a_plugin_without_the_hook_or_disabled_offers_none():
    plugins = plugins_of(Settings(disable=("off",)), off=Commands(command("greet")), models=FakeBackend())
    assert plugins.commands(()) == {}


def test_every_installed_plugins_commands_have_a_line_of_help():
    commands = Plugins(Settings()).commands(())
    assert [name for name, each in commands.items() if not each.get_short_help_str(60).endswith(".")] == []
