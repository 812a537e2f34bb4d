"""`govor models`: what can answer, what could, and fetching it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from govor.cli.options import read_settings, setting_options, show_log
from govor.engine.service import Service
from govor.errors import ModelNotFound
from govor.models.catalogue import Model

PIPED_WIDTH = 200  # columns where there is no terminal to ask


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also models whose files are not here yet.")
@setting_options(["models_dir"])
@click.pass_context
def models(context: click.Context, /, everything: bool, **options: Any) -> None:
    """List the models that can answer; with --all, every model that the plugins know."""
    if context.invoked_subcommand is not None:
        return
    show_log("warning")
    service = Service(read_settings(context.obj, options))
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(_table(service, list(service.catalogue) if everything else service.router.usable()))


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="MODEL…")
@setting_options(["models_dir", "offline"])
@click.pass_obj
def pull(config: Path | None, /, names: tuple[str, ...], **options: Any) -> None:
    """Fetch and verify the files of each MODEL, so that it can answer."""
    show_log("warning")
    service = Service(read_settings(config, options))
    for name in names:
        model = service.catalogue.find(name)
        if model is None:
            raise ModelNotFound(name, [known.id for known in service.catalogue])
        _pull(service, model)
        click.echo(f"{model.id} is installed in {service.store.folder(model)}")


def _pull(service: Service, model: Model) -> None:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(model.id, total=None)
        service.store.install(
            model, lambda done, total: bars.update(bar, completed=done, total=total or None)
        )


def _table(service: Service, shown: list[Model]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("ID", "STATE", "SIZE", "LANGUAGES", "BACKEND", "ABOUT"):
        table.add_column(heading, overflow="ellipsis", no_wrap=True)
    for model in shown:
        spec = model.spec
        size = f"{spec.size / 1e6:.0f} MB" if spec.size else "-"
        table.add_row(
            model.id, service.store.state(model), size, _languages(model), model.plugin, spec.description
        )
    return table


def _languages(model: Model) -> str:
    codes = model.spec.languages
    if not codes:
        return "any"
    return " ".join(codes) if len(codes) <= 5 else f"{len(codes)} languages"
