"""The command `govor` itself: the core's commands, and behind them those of plugins.

Plugins are loaded when a command is asked for that the core does not have, or for the list of all.
"""

from __future__ import annotations

import click

from govor.cli.terminal.options import read_settings
from govor.cli.terminal.say import say
from govor.errors import GovorError
from govor.plugins import Plugins

FOUND = "govor.cli.group"
"""Where a context keeps the plugins' commands once they are known."""


class Commands(click.Group):
    """The core's commands and the plugins'; where those cannot be had, it says why."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *self._further(context)})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return super().get_command(context, name) or self._further(context).get(name)

    def _further(self, context: click.Context) -> dict[str, click.Command]:
        """Return the plugins' commands, in the configuration that the command line names."""
        if FOUND not in context.meta:
            context.meta[FOUND] = {}
            try:
                plugins = Plugins(read_settings(context.params.get("config"), {}))
                context.meta[FOUND] = plugins.commands(self.commands)
            except GovorError as error:
                say(f"govor: The plugins' commands are missing: {error}", err=True)
        found: dict[str, click.Command] = context.meta[FOUND]
        return found
