"""`govor transcribe`: files at the terminal, with the same engine and formats as the server."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from govor.cli.leave import leave
from govor.cli.options import read_settings, setting_options, show_log
from govor.cli.process import bound_arenas
from govor.cli.say import say
from govor.engine.diarization import Diarize
from govor.engine.options import honour
from govor.engine.pipeline import Transcription, Work
from govor.engine.service import Service
from govor.errors import GovorError, InvalidParam
from govor.formats import MEDIA_TYPES, SPEAKER_FORMATS, render
from govor.formats.languages import parse_language
from govor.models.catalogue import Model
from govor.plain import without_controls
from govor.types import Options

ASKED = ("model", "response_format", "language", "translate", "words", "diarize")
"""Options that are no settings."""

SUFFIXES = {"text": ".txt", "srt": ".srt", "vtt": ".vtt"}  # all others are JSON


def _language(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        return parse_language(value) if value else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--model", "-m", default="", help="Id, alias or plugin/id; default: the preference list.")
@click.option(
    "--format",
    "-f",
    "response_format",
    type=click.Choice(list(MEDIA_TYPES)),
    default="text",
    show_default=True,
)
@click.option(
    "--language", "-l", callback=_language, help="Language of the speech, e.g. ru; default: detected."
)
@click.option("--translate", is_flag=True, help="Translate to English, where the model can.")
@click.option("--words", is_flag=True, help="Times of single words, in verbose_json.")
@click.option("--diarize", is_flag=True, help="Name the speakers, in all formats but json.")
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    metavar="PATH",
    help="File, or folder: for several files, or with / at the end. Default: standard output.",
)
@setting_options(["models_dir", "device", "offline", "max_audio_seconds"])
@click.pass_obj
def transcribe(config: Path | None, /, files: tuple[Path, ...], output: str | None, **options: Any) -> None:
    """Transcribe FILES and print the text, or write it to --output.

    Each file's text appears when the file is done; progress goes to stderr, where that is a terminal. A
    file that fails is reported and the others go on; the exit code is then 1.
    """
    asked = {name: options.pop(name) for name in ASKED}
    bound_arenas()
    settings = read_settings(config, options)
    show_log("warning")
    asked["max_seconds"] = settings.max_audio_seconds
    write = _writer(output, files, asked["response_format"])
    if not asyncio.run(_transcribe_all(Service(settings), files, asked, write)):
        sys.exit(1)


async def _transcribe_all(
    service: Service, files: tuple[Path, ...], asked: dict[str, Any], write: Callable[[Path, str], None]
) -> bool:
    """Return whether every file succeeded."""
    model = service.router.choose(asked["model"])
    options, ignored = honour(_options(asked), model.spec)
    if ignored:
        say(f"govor: '{model.id}' cannot honour: {', '.join(ignored)}", err=True)
    diarize = _diarize(service, asked)
    complete = True
    try:
        with _progress() as bars:
            await _load(service, model, bars)
        for file in files:
            work = Work(file, model, options, max_seconds=asked["max_seconds"], diarize=diarize)
            try:
                write(file, await _transcribe_one(service, work, asked))
            except BrokenPipeError:
                raise  # nobody reads any more
            except (GovorError, OSError) as error:
                say(f"govor: {file}: {error}", fg="red", err=True)
                complete = False
    except asyncio.CancelledError:
        leave(130)  # a model at work would be waited for
    finally:
        await service.close()
    return complete


def _diarize(service: Service, asked: dict[str, Any]) -> Diarize | None:
    """How speakers are told apart; None: nobody asks. Raises UnsupportedOperation, InvalidParam."""
    response_format = asked["response_format"]
    if asked["diarize"] and response_format not in SPEAKER_FORMATS:
        raise InvalidParam(f"Speakers show in all formats but {response_format}.")
    if not asked["diarize"] and response_format != "diarized_json":
        return None
    return Diarize(service.router.diarizer())


async def _load(service: Service, model: Model, bars: Progress) -> None:
    """Load the model under a bar of its own: the first time, its files are put together and verified."""
    bar = bars.add_task(f"Loading {model.id}", total=None)

    def move(done: int, total: int) -> None:
        bars.update(bar, completed=done, total=total or None)

    async with service.pool.lease(model, move):
        bars.remove_task(bar)


async def _transcribe_one(service: Service, work: Work, asked: dict[str, Any]) -> str:
    """Return the result in the format that is asked for; the bar is gone before it is shown."""
    with _progress() as bars:
        name = work.path.name
        bar = bars.add_task(f"{name}: telling speakers apart" if work.diarize else name, total=None)
        bars.refresh()
        async with service.transcribe(work) as transcription, aclosing(aiter(transcription)) as segments:
            async for _ in segments:
                bars.update(bar, description=name)
                _show(transcription, bars, bar)
    body, _ = render(
        transcription.result(), asked["response_format"], words=asked["words"], segments=True, logprobs=False
    )
    return body


def _show(transcription: Transcription, bars: Progress, bar: TaskID) -> None:
    total = transcription.seconds_stated or transcription.seconds_read
    bars.update(bar, completed=min(transcription.seconds_done, total), total=total)


def _options(asked: dict[str, Any]) -> Options:
    return Options(
        task="translate" if asked["translate"] else "transcribe",
        language=asked["language"],
        words=asked["words"],
    )


def _progress() -> Progress:
    """Bars on stderr; nothing at all where that is not a terminal."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _writer(output: str | None, files: tuple[Path, ...], response_format: str) -> Callable[[Path, str], None]:
    """How a result is put out. Raises InvalidParam where that would destroy something, or cannot be."""
    if output is None:
        return lambda file, text: click.echo(without_controls(text), nl=not text.endswith("\n"))
    target = Path(output)
    if len(files) == 1 and not output.endswith("/") and not target.is_dir():
        if target.exists() and target.samefile(files[0]):
            raise InvalidParam(f"{target} is the recording itself and would be overwritten.")
        _make(target.parent)
        return lambda file, text: _write(target, text)
    for stem, number in Counter(file.stem for file in files).items():
        if number > 1:
            raise InvalidParam(
                f"{number} of the files are named '{stem}' and would overwrite each other's output."
            )
    _make(target)
    return lambda file, text: _write(target / (file.stem + SUFFIXES.get(response_format, ".json")), text)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidParam(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
