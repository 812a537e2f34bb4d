"""`govor models`: lists the models that can answer or, with --all, every known one."""

from __future__ import annotations

import sys
import time
from string import ascii_lowercase
from typing import Any

import click
from click.core import ParameterSource

from govor.cli.client.server_client import show_json
from govor.cli.models.inventory import Body, open_inventory
from govor.cli.models.manage import HERE, managing, pull
from govor.cli.terminal.say import say
from govor.cli.terminal.table import duration, megabytes, show_table

FAMILIES = ("ID", "STATE", "SIZE", "MEMORY", "LANGS", "TEXT", "WER", "BACKEND", "ABOUT")
MEMORY = ("ID", "STATE", "SIZE", "LANGUAGES", "BACKEND", "LOADED", "MEMORY")
COMMANDLINE = ParameterSource.COMMANDLINE
SPARE = ("BACKEND",)
"""Columns that a narrow terminal leaves out, in this order."""


@click.group(invoke_without_command=True, short_help="List the models that can answer.")
@click.option("--all", "everything", is_flag=True, help="Also models whose files are not installed.")
@managing()
@click.pass_context
def models(
    context: click.Context,
    /,
    everything: bool,
    server: str | None,
    api_key: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """List the models that can answer; with --all, every model that is known.

    SIZE is the size of the files, MEMORY that of the loaded model; ~ marks an estimate. LANGS lists the
    languages or gives their number. WER is the word error rate in percent that the publisher states, on the
    test set of its letter: compare only figures with the same letter. With --server, LOADED is the time that
    a model has been in memory, and MEMORY is the memory that it takes there.
    """
    if context.invoked_subcommand is not None:  # options before the subcommand belong to it
        given = {name for name in context.params if context.get_parameter_source(name) is COMMANDLINE}
        meant = {name: context.params[name] for name in given}
        context.default_map = {context.invoked_subcommand: meant}
        return
    listed = open_inventory(context.obj, server, api_key, options).registry()
    shown = [entry for entry in listed if everything or entry["state"] in HERE]
    if as_json:
        show_json({"object": "list", "data": shown})
    elif server:
        show_table(MEMORY, [_in_memory(entry) for entry in shown], spare=("BACKEND", "LANGUAGES"))
    else:
        _show_families(shown)


models.add_command(pull)


def _show_families(shown: list[Body]) -> None:
    """Print the table. Each word error rate has its test set beside it, on a terminal as a letter."""
    sets = dict.fromkeys(entry["error_rates"][0]["set"] for entry in shown if entry["error_rates"])
    lettered = sys.stdout.isatty() and len(sets) <= len(ascii_lowercase)
    if lettered:
        marks = dict(zip(sets, ascii_lowercase, strict=False))
    else:
        marks = {name: f" ({name})" for name in sets}
    show_table(FAMILIES, [_in_family(entry, marks) for entry in shown], spare=SPARE, below=True)
    if lettered and marks:
        meanings = "; ".join(f"{letter}: {name}" for name, letter in marks.items())
        say(f"WER, {meanings}. Only figures with one letter can be compared.")


def _in_family(entry: Body, marks: dict[str, str]) -> tuple[str, ...]:
    """Return a row; `marks` has the mark of each test set."""
    rates = entry["error_rates"]
    return (
        entry["id"],
        entry["state"],
        _size(entry),
        _estimated(entry["memory_estimate"]),
        _languages(entry),
        _text(entry),
        f"{rates[0]['wer']:.1f}{marks[rates[0]['set']]}" if rates else "-",
        entry["backend"],
        entry["reason"] or entry["description"],
    )


def _in_memory(entry: Body) -> tuple[str, ...]:
    progress = entry["progress"]
    state = entry["state"]
    if progress and progress["total"]:
        state = f"{state} {100 * progress['completed'] // progress['total']} %"
    loaded = state == "loaded"
    return (
        entry["id"],
        state,
        megabytes(entry["size"] or None),
        _languages(entry),
        entry["backend"],
        duration(time.time() - entry["loaded_at"]) if loaded and entry["loaded_at"] else "-",
        megabytes(entry["memory"]) if loaded else "-",
    )


def _size(entry: Body) -> str:
    """Return the size to fetch, or an estimate; older servers send no estimate."""
    return _short(entry["size"]) if entry["size"] else _estimated(entry.get("size_estimate"))


def _estimated(size: int | None) -> str:
    return f"~{_short(size)}" if size else "-"


def _short(size: int) -> str:
    return (
        megabytes(size)
        if size < 10**9
        else f"{size / 1e9:.1f} GB"
        if size < 10**10
        else f"{size / 1e9:.0f} GB"
    )


def _text(entry: Body) -> str:
    if "transcribe" not in entry["tasks"]:
        return "-"
    return "punctuated" if "punctuation" in entry["features"] else "plain"


def _languages(entry: Body) -> str:
    codes = entry["languages"]
    if not codes:
        return "any"
    return " ".join(codes) if len(codes) <= 2 else str(len(codes))
