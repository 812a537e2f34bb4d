"""`govor plugins`: the installed plugins and their states."""

from __future__ import annotations

from pathlib import Path

import click

from govor.cli.client.server_client import json_option, show_json
from govor.cli.terminal.options import read_settings, show_log
from govor.cli.terminal.say import say
from govor.cli.terminal.table import show_table
from govor.plugins import Plugin, Plugins

HEADINGS = ("NAME", "STATE", "DISTRIBUTION", "HOOKS", "MODELS", "REASON")


@click.command(short_help="List the plugins: ready, disabled or failed.")
@json_option
@click.pass_obj
def plugins(config: Path | None, *, as_json: bool) -> None:
    """List the installed plugins in order: ready, disabled, or failed with the reason."""
    show_log("error" if as_json else "warning")
    found = list(Plugins(read_settings(config, {})))
    if as_json:
        show_json({"object": "list", "data": [_body(plugin) for plugin in found]})
        return
    rows = []
    for plugin in found:
        version = f"{plugin.distribution} {plugin.version}".strip()
        hooks, count = ", ".join(plugin.hooks), str(len(plugin.models) or "-")
        rows.append((plugin.name, plugin.state, version, hooks, count, plugin.reason))
    show_table(HEADINGS, rows, fold=True)
    if not found:
        say("No plugin is installed: `pip install 'govor[default]'` adds those of the default.", err=True)


def _body(plugin: Plugin) -> dict[str, object]:
    """Return one plugin as in GET /v1/plugins, with the models that it declares."""
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "state": plugin.state,
        "reason": plugin.reason,
        "hooks": list(plugin.hooks),
        "models": [spec.id for spec in plugin.models],
        "formats": [each.name for each in plugin.formats],
    }
