"""Commands of plugins, by the entry points of the group `govor.commands`: name = "module:command".

Imports the module of a command that is listed or run, and no plugin. Reads the settings only if the
configuration may disable or order plugins.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple

import click

from govor.config_file import may_set
from govor.errors import GovorError

GROUP = "govor.commands"
PLUGINS = "govor"
"""Group of the plugins themselves."""

log = logging.getLogger(__name__)


class PluginCommand(NamedTuple):
    """A command that is declared, not imported."""

    plugin: str
    """The first plugin of the same distribution."""
    point: EntryPoint

    def load(self) -> click.Command:
        """Import the command. Raises GovorError with the reason if that fails."""
        place = f"The command '{self.point.name}' of the plugin '{self.plugin}'"
        try:
            command = self.point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may raise anything
            raise GovorError(f"{place} failed: {type(error).__name__}: {error}") from error
        if not isinstance(command, click.Command):
            raise GovorError(f"{place} is {type(command).__name__} instead of click.Command.")
        return command

    def table(self, config: Path | None) -> dict[str, Any]:
        """Return the plugin's own table of settings. Raises ConfigurationError."""
        from govor.cli.terminal.options import read_settings
        from govor.plugins.tables import own_table

        return own_table(read_settings(config, {}), self.plugin)


def declared_commands(config: Path | None, taken: Collection[str]) -> dict[str, PluginCommand]:
    """Return the commands by name, without those of disabled plugins and without `taken` names.

    If two plugins use one name, the first in `order` keeps it. Raises ConfigurationError.
    """
    declared = sorted(PluginCommand(_plugin_of(point), point) for point in entry_points(group=GROUP))
    names = {command.point.name for command in declared}
    choices = ("disable",) if len(names) == len(declared) else ("disable", "order")
    if declared and may_set(config, choices):  # reading all settings takes longer than `govor --help`
        declared = _chosen(declared, config)
    found: dict[str, PluginCommand] = {}
    for command in declared:
        name = command.point.name
        if name in taken or name in found:
            log.warning(
                "Plugin '%s' has a command '%s', whose name is taken: it is left out", command.plugin, name
            )
        else:
            found[name] = command
    return found


def _plugin_of(point: EntryPoint) -> str:
    dist = point.dist
    if dist is None:
        return point.name
    return min(dist.entry_points.select(group=PLUGINS).names, default=dist.name)


def _chosen(declared: Iterable[PluginCommand], config: Path | None) -> list[PluginCommand]:
    """Return the commands of plugins that are not disabled, in the order of the settings."""
    from govor.cli.terminal.options import read_settings

    settings = read_settings(config, {})
    rank = {name: position for position, name in enumerate(settings.order)}
    enabled = [command for command in declared if command.plugin not in settings.disable]
    return sorted(enabled, key=lambda command: rank.get(command.plugin, len(rank)))
