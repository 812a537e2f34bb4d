"""`govor pull`, `rm`, `verify`, `prune`, `du`: models on this disk, or on that of a running server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from govor.cli.client.server_client import json_option, server_options, show_json
from govor.cli.models.families import missing_plugin
from govor.cli.models.inventory import Body, open_inventory
from govor.cli.terminal.options import setting_options
from govor.cli.terminal.say import say
from govor.cli.terminal.table import megabytes, show_table
from govor.errors import GovorError, ModelNotFound

HERE = ("installed", "loading", "loaded")
"""States of a model that can answer."""


def managing(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --server, --api-key, --json, and the options of `models_dir` and of the settings in `names`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        return json_option(server_options()(setting_options(["models_dir", *names])(command)))

    return decorate


@click.command(short_help="Fetch models, so that they can answer.")
@click.argument("names", nargs=-1, required=True, metavar="MODEL…")
@managing("offline", "download")
@click.pass_obj
def pull(
    config: Path | None,
    /,
    names: tuple[str, ...],
    server: str | None,
    api_key: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Fetch and verify the files of each MODEL, so that it can answer.

    Files that are on this disk already are hashed again, and damaged ones fetched again.
    If a download was interrupted, the next `govor pull` continues it. If one fails, it is reported and the
    others go on; the exit code is then 1.
    """
    from govor.cli.models.progress_bars import Bars  # rich, which `govor models` must not wait for

    inventory = open_inventory(config, server, api_key, options)

    def fetch(name: str) -> Body:
        try:
            with Bars(name) as bars:
                pulled = inventory.pull(name, bars.show)
        except ModelNotFound as error:
            if advice := missing_plugin(name):
                raise GovorError(advice) from error
            raise
        if not as_json:
            where = f"is installed in {pulled['where']}" if pulled["where"] else "needs no files"
            say(f"{pulled['id']} {where}{bars.summary()}")
        return pulled

    _each(names, fetch, as_json=as_json)


@click.command("rm", short_help="Delete models' files.")
@click.argument("names", nargs=-1, required=True, metavar="MODEL…")
@click.option(
    "--force", is_flag=True, help="Of a server: also a model in use, once the running requests are done."
)
@managing()
@click.pass_obj
def rm(
    config: Path | None, /, names: tuple[str, ...], force: bool, server: str | None, api_key: str | None,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Delete the files of each MODEL; if a server is fetching it, cancel the download."""
    inventory = open_inventory(config, server, api_key, options)

    def delete(name: str) -> Body:
        removed = inventory.remove(name, force=force)
        if not as_json:
            note = f" {removed['note']}" if removed["note"] else ""
            say(f"{removed['id']} is deleted: {megabytes(removed['freed'])} freed.{note}")
        return removed

    _each(names, delete, as_json=as_json)


@click.command(short_help="Hash models' files again.")
@click.argument("names", nargs=-1, metavar="[MODEL…]")
@managing()
@click.pass_obj
def verify(
    config: Path | None,
    /,
    names: tuple[str, ...],
    server: str | None,
    api_key: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Hash the files of each MODEL, or of all installed ones, and compare them with the files as fetched.

    A model with a damaged file no longer counts as installed; `govor pull` repairs it. The exit code is 1
    if a file is damaged or missing.
    """
    inventory = open_inventory(config, server, api_key, options)
    chosen = names or tuple(entry["id"] for entry in inventory.registry() if _has_files(entry))
    sound = []

    def check(name: str) -> Body:
        report = inventory.verify(name)
        sound.append(report["ok"])
        if not as_json:
            bad = [
                f"{file['name']} is {file['state']}"
                for file in report["files"]
                if file["state"] in ("damaged", "missing")
            ]
            verdict = (
                "; ".join(bad) + f". `govor pull {report['id']}` mends it."
                if bad
                else f"{len(report['files'])} files are as fetched"
            )
            say(f"{report['id']}: {verdict}", fg="red" if bad else None)
        return report

    _each(chosen, check, as_json=as_json)
    if not all(sound):
        sys.exit(1)


@click.command(short_help="Delete files that no model needs.")
@click.option("--dry-run", is_flag=True, help="Only list the files that would be deleted.")
@managing()
@click.pass_obj
def prune(
    config: Path | None,
    /,
    dry_run: bool,
    server: str | None,
    api_key: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Delete unfinished downloads, and files of models that no plugin knows."""
    inventory = open_inventory(config, server, api_key, options)
    if dry_run:
        unused = inventory.storage()["unused"]
        body = {"freed": 0, "removed": [], "unused": unused}
    else:
        body = inventory.prune()
        unused = body["removed"]
    if as_json:
        show_json(body)
        return
    for item in unused:
        say(f"{item['path']} ({item['kind']}, {megabytes(item['size'])})")
    total = megabytes(sum(item["size"] for item in unused))
    say(f"{total} would be freed." if dry_run else f"{total} freed.")


@click.command(short_help="Report the space that models take on the disk.")
@managing()
@click.pass_obj
def du(
    config: Path | None, /, server: str | None, api_key: str | None, as_json: bool, **options: Any
) -> None:
    """Report the space that each model takes on the disk.

    SHARED files are in the Hugging Face cache too, and take their space once. PARTIAL is the space of an
    unfinished download.
    """
    body = open_inventory(config, server, api_key, options).storage()
    if as_json:
        show_json(body)
        return
    sizes = ("own", "shared", "partial")
    rows = [(entry["model"], *(megabytes(entry[key]) for key in sizes)) for entry in body["models"]]
    total = {key: sum(entry[key] for entry in body["models"]) for key in sizes}
    show_table(
        ("MODEL", "OWN", "SHARED", "PARTIAL"), [*rows, ("all", *(megabytes(total[key]) for key in sizes))]
    )
    unused = sum(item["size"] for item in body["unused"])
    say(f"In {body['folder']}; {megabytes(body['free'])} free.")
    if unused:
        say(f"{megabytes(unused)} are used by no model; `govor prune` deletes them.")


def _each(names: tuple[str, ...], work: Callable[[str], Body], *, as_json: bool) -> None:
    """Call `work` for each model and print its errors; if there was one, exit with 1."""
    done, failed = [], False
    for name in names:
        try:
            done.append(work(name))
        except GovorError as error:
            say(f"govor: {error}", err=True)
            failed = True
    if as_json:
        show_json({"object": "list", "data": done})
    if failed:
        sys.exit(1)


def _has_files(entry: Body) -> bool:
    """Return whether a model's files are here or were: with a damaged file it is no longer `installed`."""
    whole = entry["state"] in HERE and bool(entry["path"])
    return whole or (entry["state"] != "downloading" and entry["created"] > 0)
