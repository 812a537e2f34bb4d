"""`govor load`, `unload`, `reload` and `ps`: the memory of a running server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from govor.cli.client.server_client import (
    DEFAULT_SERVER,
    Remote,
    json_option,
    model_path,
    server_options,
    show_json,
)
from govor.cli.terminal.say import say
from govor.cli.terminal.table import duration, megabytes, show_table
from govor.settings.model import ModelSettings

HEADINGS = (
    "ID",
    "STATE",
    "MEMORY",
    "WORKING",
    "DEVICE",
    "PRECISION",
    "LOADED FOR",
    "REQUESTS",
    "LEAVES",
    "BACKEND",
)


def placement_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the settings of one model that a running server takes."""
    fields = ModelSettings.model_fields
    kinds: dict[str, Any] = {"threads": int, "workers": int, "ttl": float}
    for name in ("workers", "threads", "precision", "device", "ttl"):
        command = click.option(f"--{name}", type=kinds.get(name), help=fields[name].description)(command)
    return click.option("--pin/--no-pin", default=None, help=fields["pin"].description)(command)


@click.command(short_help="Load models into a running server's memory.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@placement_options
@server_options(default=DEFAULT_SERVER)
@json_option
def load(models: tuple[str, ...], server: str, api_key: str | None, as_json: bool, **said: Any) -> None:
    """Load each MODEL into a running server's memory; --ttl and --pin set how long it stays.

    If a model is in memory already, only --ttl and --pin take effect; `govor reload` applies the others.
    """
    _each(Remote(server, api_key), models, "load", said, as_json=as_json)


@click.command(short_help="Load models again while the old ones answer.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@placement_options
@server_options(default=DEFAULT_SERVER)
@json_option
def reload(models: tuple[str, ...], server: str, api_key: str | None, as_json: bool, **said: Any) -> None:
    """Load each MODEL again, with new files or settings, while the old one still answers.

    If the new one fails, the old one stays.
    """
    _each(Remote(server, api_key), models, "reload", said, as_json=as_json)


@click.command(short_help="Unload models from a running server's memory.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@click.option("--force", is_flag=True, help="End its requests; without it, a model in use stays.")
@server_options(default=DEFAULT_SERVER)
@json_option
def unload(models: tuple[str, ...], server: str, api_key: str | None, as_json: bool, force: bool) -> None:
    """Unload each MODEL from a running server's memory; its files stay."""
    remote = Remote(server, api_key)
    params = {"force": "true"} if force else None
    for name in models:
        answer = remote.post(model_path(name, "unload"), params=params)
        show_json(answer) if as_json else say(f"{answer['id']} is not in memory now")


@click.command()
@server_options(default=DEFAULT_SERVER)
@json_option
def ps(server: str, api_key: str | None, as_json: bool) -> None:
    """Show the models in a running server's memory."""
    answer = Remote(server, api_key).get("/api/ps")
    if as_json:
        show_json(answer)
        return
    show_table(HEADINGS, [_row(resident) for resident in answer["data"]])
    memory = answer["memory"]
    budget = f" of {megabytes(memory['budget'])}" if memory["budget"] else ""
    say(f"Models: {megabytes(memory['used'])}{budget}. Server: {megabytes(memory['process'])}.")


def _each(remote: Remote, models: tuple[str, ...], verb: str, said: dict[str, Any], *, as_json: bool) -> None:
    body = {name: value for name, value in said.items() if value is not None}
    for name in models:
        answer = remote.post(model_path(name, verb), body)
        if as_json:
            show_json(answer)
        else:
            where = f"{answer['device']}, {answer['precision']}"
            say(f"{answer['id']} is in memory: {megabytes(answer['memory'])}, {where}")


def _state(resident: dict[str, Any]) -> str:
    """Return its state, with the progress of a load; older servers report none."""
    progress, stage = resident.get("progress"), resident.get("stage")
    shown = [resident["status"], "" if progress is None else f"{progress:.0%}", f"({stage})" if stage else ""]
    return " ".join(filter(None, shown))


def _row(resident: dict[str, Any]) -> tuple[str, ...]:
    since, expires = resident["loaded_at"], resident["expires_at"]
    leaves = "pinned" if resident["pinned"] else "-" if expires is None else duration(expires - time.time())
    return (
        resident["id"],
        _state(resident),
        megabytes(resident["memory"]),
        megabytes(resident.get("working") or None),
        resident["device"] or "-",
        resident["precision"] or "-",
        duration(time.time() - since) if since else "-",
        str(resident["requests"]),
        leaves,
        resident["backend"],
    )
