"""`govor models`: what can answer, what could, and fetching it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from govor.cli.options import read_settings, setting_options, show_log
from govor.cli.table import show_table
from govor.engine.service import Service
from govor.errors import ModelNotFound
from govor.models.catalogue import Model
from govor.types import Feature

HEADINGS = ("ID", "STATE", "SIZE", "LANGUAGES", "TEXT", "WER", "BACKEND", "ABOUT")


@click.group(invoke_without_command=True, short_help="List the models, or fetch one (models pull).")
@click.option("--all", "everything", is_flag=True, help="Also models whose files are not here yet.")
@setting_options(["models_dir"])
@click.pass_context
def models(context: click.Context, /, everything: bool, **options: Any) -> None:
    """List the models that can answer; with --all, every model that the plugins know.

    SIZE is what is fetched. WER is the word error rate in percent as its publisher states it, on test sets
    of its own: it compares models of one family only.
    """
    if context.invoked_subcommand is not None:
        return
    show_log("warning")
    service = Service(read_settings(context.obj, options))
    shown = list(service.catalogue) if everything else service.router.usable()
    show_table(HEADINGS, [_row(service, model) for model in shown])


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="MODEL…")
@setting_options(["models_dir", "offline"])
@click.pass_obj
def pull(config: Path | None, /, names: tuple[str, ...], **options: Any) -> None:
    """Fetch and verify the files of each MODEL, so that it can answer."""
    show_log("warning")
    service = Service(read_settings(config, options))
    for name in names:
        model = service.router.find(name)
        if model is None:
            raise ModelNotFound(name, [known.id for known in service.catalogue])
        _pull(service, model)
        where = f"is installed in {service.store.folder(model)}" if model.spec.files else "needs no files"
        click.echo(f"{model.id} {where}")


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


def _row(service: Service, model: Model) -> tuple[str, ...]:
    spec = model.spec
    stated = spec.files and all(file.size for file in spec.files)
    return (
        model.id,
        service.store.state(model),
        f"{spec.size / 1e6:.0f} MB" if stated else "-",
        _languages(model),
        "punctuated" if Feature.PUNCTUATION in spec.features else "plain",
        f"{spec.wer[0][1]:g}" if spec.wer else "-",
        model.plugin,
        spec.description,
    )


def _languages(model: Model) -> str:
    codes = model.spec.languages
    if not codes:
        return "any"
    return " ".join(codes) if len(codes) <= 5 else str(len(codes))
