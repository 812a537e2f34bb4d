"""`govor plugins`: what is installed and what became of it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from govor.cli.options import read_settings
from govor.plugins import Plugins


@click.command()
@click.pass_obj
def plugins(config: Path | None) -> None:
    """List the installed plugins in order: ready, disabled, or failed and why."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("NAME", "STATE", "DISTRIBUTION", "HOOKS", "MODELS", "REASON"):
        table.add_column(heading, overflow="fold")
    for plugin in Plugins(read_settings(config, {})):
        version = f"{plugin.distribution} {plugin.version}".strip()
        hooks, count = ", ".join(plugin.hooks), str(len(plugin.models) or "-")
        table.add_row(plugin.name, plugin.state, version, hooks, count, plugin.reason)
    Console().print(table)
