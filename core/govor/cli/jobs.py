"""`govor jobs`: the jobs of a running server."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any
from urllib.parse import quote

import click

from govor.cli.client.server_client import (
    DEFAULT_SERVER,
    Remote,
    json_option,
    of_server,
    server_options,
    show_json,
)
from govor.cli.terminal.say import say, sentence
from govor.cli.terminal.table import show_table
from govor.cli.transcribe.options import read_options, transcription_options
from govor.cli.transcribe.recordings import find_recordings, opened
from govor.cli.transcribe.sources import fields, route
from govor.errors import GovorError, InvalidParam
from govor.formats.rendering.formats import MEDIA_TYPES
from govor.formats.rendering.known_formats import CORE_FORMATS
from govor.plain import without_controls
from govor.requests.lines import LineFields
from govor.settings.subtitles import Subtitles

HEADINGS = ("ID", "STATE", "CREATED", "DONE", "MODEL", "ERROR", "FILE")
STATES = ("queued", "in_progress", "completed", "failed", "cancelled")


@click.group(invoke_without_command=True, short_help="List a server's jobs; submit, show, cancel.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="Most jobs shown.")
@click.option("--status", type=click.Choice(STATES), help="Only jobs in this state.")
@json_option
@server_options(default=DEFAULT_SERVER)
@click.pass_context
def jobs(
    context: click.Context, /, limit: int, status: str | None, as_json: bool, server: str, api_key: str | None
) -> None:
    """List the jobs of a running server, the newest first.

    DONE is the part of the recording that has been transcribed. If the server has keys, it lists only the
    jobs of your key.
    """
    if context.invoked_subcommand is not None:
        return
    params = {"limit": str(limit), **({"status": status} if status else {})}
    listed = Remote(server, api_key).get("/v1/jobs", params)
    if as_json:
        show_json(listed)
    else:
        show_table(HEADINGS, [_row(job) for job in listed["data"]])


@jobs.command()
@of_server
@click.argument("files", nargs=-1, required=True, metavar="FILES…")
@transcription_options
def submit(remote: Remote, /, files: tuple[str, ...], **given: Any) -> None:
    """Submit FILES, or the recordings of folders, each as a job; print the jobs' ids.

    `govor jobs result` fetches the text of a completed job, in this format or any other.
    """
    wanted, names, style = read_options(given, Subtitles(), CORE_FORMATS)  # the server knows its own
    if len(names) > 1:
        raise InvalidParam(
            f"A job has one format, and {len(names)} are named; "
            "`govor jobs result --format` fetches the others when it has ended."
        )
    times = [name for name, asked in (("segment", style.times), ("word", style.words)) if asked]
    limits = {name: str(given[name]) for name in LineFields.model_fields if given[name] is not None}
    recordings, faults = find_recordings(files)
    failed = list(faults)
    for recording in recordings:
        form: dict[str, Any] = {
            **fields(wanted),
            "response_format": names[0],
            "background": "true",
            **limits,
        }
        form |= {"timestamp_granularities[]": times}
        try:
            with opened(recording) as read, read().open("rb") as file:
                name = recording.name if recording.path is None else recording.path.name
                job = remote.send(route(wanted), form, (name, file))
        except (GovorError, OSError) as error:
            failed.append(f"{recording.name}: {sentence(error)}")
        else:
            say(f"{job['id']}\t{recording.name}")
    for fault in failed:
        say(f"govor: {fault}", fg="red", err=True)
    if failed:
        sys.exit(1)


@jobs.command()
@of_server
@click.argument("job")
@click.option(
    "--format",
    "-f",
    "response_format",
    metavar="NAME",
    help=f"{', '.join(MEDIA_TYPES)}, or a format of the server's plugins. [default: as submitted]",
)
def result(remote: Remote, /, job: str, response_format: str | None) -> None:
    """Print the result of JOB."""
    params = {"response_format": response_format} if response_format else None
    body = remote.body(f"{_path(job)}/result", params)
    if isinstance(body, str):
        click.echo(without_controls(body), nl=not body.endswith("\n"))
    elif sys.stdout.isatty():
        raise InvalidParam("The result is no text: send it to a file with > FILE.")
    else:
        click.echo(body, nl=False)


@jobs.command()
@of_server
@click.argument("job")
def show(remote: Remote, /, job: str) -> None:
    """Print JOB as JSON, with its result. The exit code is 1 if it failed."""
    found = remote.get(_path(job))
    show_json(found)
    if found["status"] == "failed":
        sys.exit(1)


@jobs.command()
@of_server
@click.argument("names", nargs=-1, required=True, metavar="JOB…")
def cancel(remote: Remote, /, names: tuple[str, ...]) -> None:
    """Cancel each JOB that waits or runs; delete one that has ended."""
    for name in names:
        removed = remote.delete(_path(name))
        say(f"{name} is {'forgotten' if removed['deleted'] else 'cancelled'}")


def _path(job: str) -> str:
    return f"/v1/jobs/{quote(job, safe='')}"


def _progress(progress: dict[str, Any]) -> str:
    heard, total = progress.get("seconds_diarized"), progress["seconds_total"]
    done = progress["seconds_done"] if heard is None else heard
    share = f"{done:.0f} of {total:.0f} s" if total else f"{done:.0f} s"
    return share if heard is None else f"speakers: {share}"


def _row(job: dict[str, Any]) -> tuple[str, ...]:
    return (
        job["id"],
        job["status"],
        datetime.fromtimestamp(job["created_at"]).astimezone().strftime("%Y-%m-%d %H:%M"),
        _progress(job["progress"]),
        job["model"],
        job["error"]["code"] if job["error"] else "",
        job.get("filename") or "",  # a server of version 0.1.0 does not state it
    )
