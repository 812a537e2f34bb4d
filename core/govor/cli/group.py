"""The command `govor` itself: the core's commands and those of plugins.

A command of the core is imported when it runs, and one of a plugin also for its line in the list of all.
Plugins are loaded only for a command that neither the core nor an entry point has.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from govor.errors import GovorError
from govor.errors.values import did_you_mean

if TYPE_CHECKING:
    from govor.cli.plugin_commands import PluginCommand

DECLARED = "govor.cli.group.declared"
"""Key of the plugins' declared commands in the context's `meta`."""

SAID = "govor.cli.group.said"
"""Key of the faults that were printed."""

TABLE = "govor.settings"
"""Key, in the `meta` of the context, of a function that returns the own settings of the command's plugin."""


class CoreCommand(NamedTuple):
    """Module and name of a command of the core, and its line in the list of all."""

    module: str
    """Relative to `govor.cli`."""
    name: str
    short_help: str


class Commands(click.Group):
    """The commands of the core and of plugins; if one of a plugin cannot be loaded, it prints the reason."""

    core: dict[str, CoreCommand]

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands, in order, but those of the hook `commands`."""
        return sorted({*self.core, *self._declared(context)})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command, or None. Imports it. Raises GovorError if a plugin's cannot be imported."""
        if name in self.core:
            place = self.core[name]
            command: click.Command = getattr(import_module(f"govor.cli.{place.module}"), place.name)
            return command
        declared = self._declared(context).get(name)
        if declared is None:
            return _hooked(context, self.core, name)
        context.meta[TABLE] = lambda: declared.table(context.params.get("config"))
        return declared.load()

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that a command line names. Raises UsageError, with the most similar name."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            if near := did_you_mean(args[0], self.list_commands(context)):
                raise click.UsageError(f"{error.message.rstrip('.')}{near}", context) from None
            raise

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of all commands, without importing those of the core."""
        lines = [(name, place.short_help) for name, place in self.core.items()]
        declared = self._declared(context)
        limit = formatter.width - 6 - max(map(len, (*self.core, *declared)))
        for name, command in declared.items():
            try:
                lines.append((name, command.load().get_short_help_str(limit)))
            except GovorError as error:
                _say(context, str(error))
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines))

    def _declared(self, context: click.Context) -> dict[str, PluginCommand]:
        """Return the commands that plugins declare, by the configuration that the command line names."""
        if DECLARED not in context.meta:
            from govor.cli.plugin_commands import declared_commands

            context.meta[DECLARED] = {}
            try:
                context.meta[DECLARED] = declared_commands(context.params.get("config"), self.core)
            except GovorError as error:
                _say(context, f"The plugins' commands are missing: {error}")
        found: dict[str, PluginCommand] = context.meta[DECLARED]
        return found


def _hooked(context: click.Context, taken: dict[str, CoreCommand], name: str) -> click.Command | None:
    """Return a command of the hook `commands`, or None. The hook is deprecated: it loads every plugin."""
    from govor.cli.terminal.options import read_settings
    from govor.plugins import Plugins

    try:
        found = Plugins(read_settings(context.params.get("config"), {})).commands(taken).get(name)
    except GovorError as error:
        _say(context, f"The plugins' commands are missing: {error}")
        return None
    if found is not None:
        warnings.warn(
            f"The hook `commands` has the command '{name}': declare it as an entry point of govor.commands.",
            DeprecationWarning,
            stacklevel=2,
        )
    return found


def _say(context: click.Context, fault: str) -> None:
    """Print a fault once."""
    from govor.cli.terminal.say import say

    said: set[str] = context.meta.setdefault(SAID, set())
    if fault not in said:
        said.add(fault)
        say(f"govor: {fault}", err=True)
