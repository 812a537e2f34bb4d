"""`govor plugins`: what is installed and what became of it."""

from __future__ import annotations

from pathlib import Path

import click

from govor.cli.options import read_settings, show_log
from govor.cli.table import show_table
from govor.plugins import Plugins

HEADINGS = ("NAME", "STATE", "DISTRIBUTION", "HOOKS", "MODELS", "REASON")


@click.command(short_help="List the plugins and what became of them.")
@click.pass_obj
def plugins(config: Path | None) -> None:
    """List the installed plugins in order: ready, disabled, or failed and why."""
    show_log("warning")
    rows = []
    for plugin in Plugins(read_settings(config, {})):
        version = f"{plugin.distribution} {plugin.version}".strip()
        hooks, count = ", ".join(plugin.hooks), str(len(plugin.models) or "-")
        rows.append((plugin.name, plugin.state, version, hooks, count, plugin.reason))
    show_table(HEADINGS, rows, fold=True)
