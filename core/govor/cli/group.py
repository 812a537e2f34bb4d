"""The command `govor` itself: the core's commands and those of plugins.

A command of the core is imported when it runs. Plugins are loaded for the list of all commands, and for a
command that the core does not have.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from govor.errors import GovorError

FOUND = "govor.cli.group"
"""Key of the plugins' commands in the context's `meta`."""


class CoreCommand(NamedTuple):
    """Module and name of a command of the core, and its line in the list of all."""

    module: str
    """Relative to `govor.cli`."""
    name: str
    short_help: str


class Commands(click.Group):
    """The commands of the core and of plugins; if plugins cannot be loaded, it prints the reason."""

    core: dict[str, CoreCommand]

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands, in order."""
        return sorted({*self.core, *self._further(context)})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command, or None. Imports a command of the core."""
        if name in self.core:
            place = self.core[name]
            command: click.Command = getattr(import_module(f"govor.cli.{place.module}"), place.name)
            return command
        return self._further(context).get(name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of all commands, without importing those of the core."""
        names = self.list_commands(context)
        limit = formatter.width - 6 - max(map(len, names))
        lines = [(name, self._line(context, name, limit)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def _line(self, context: click.Context, name: str, limit: int) -> str:
        if name in self.core:
            return self.core[name].short_help
        return self._further(context)[name].get_short_help_str(limit)

    def _further(self, context: click.Context) -> dict[str, click.Command]:
        """Return the plugins' commands, by the configuration that the command line names."""
        if FOUND not in context.meta:
            context.meta[FOUND] = {}
            from govor.cli.terminal.say import say

            try:
                context.meta[FOUND] = _of_plugins(context, self.core)
            except GovorError as error:
                say(f"govor: The plugins' commands are missing: {error}", err=True)
        found: dict[str, click.Command] = context.meta[FOUND]
        return found


def _of_plugins(context: click.Context, taken: dict[str, CoreCommand]) -> dict[str, click.Command]:
    from govor.cli.terminal.options import read_settings
    from govor.plugins import Plugins

    return Plugins(read_settings(context.params.get("config"), {})).commands(taken)
