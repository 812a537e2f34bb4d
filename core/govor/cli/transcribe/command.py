"""`govor transcribe`: transcribes recordings with the same engine and formats as the server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack, aclosing, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

import click

from govor.cli.client.server_client import Remote, server_options
from govor.cli.serve.process_tuning import bound_arenas
from govor.cli.terminal.exit import exit_now
from govor.cli.terminal.options import read_settings, setting_options, show_log
from govor.cli.terminal.say import say, sentence
from govor.cli.transcribe.options import find_formats, read_options, transcription_options
from govor.cli.transcribe.outputs import NotWritten, Outputs, Style
from govor.cli.transcribe.progress_bars import Bar
from govor.cli.transcribe.recordings import Recording, find_recordings, opened
from govor.cli.transcribe.sources import LocalSource, RunningTranscription, ServerSource, Source
from govor.cli.transcribe.targets import Targets, check_target, choose_targets
from govor.engine.service import Service
from govor.errors import FormatFailed, GovorError, InvalidParam
from govor.formats.subtitles.files import clock

SETTINGS = ("models_dir", "device", "offline", "max_audio_seconds")
"""Settings that are options of this command."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES…")
@transcription_options
@click.option(
    "--output",
    "-o",
    metavar="PATH",
    help="File, or folder: for several files, or with / at the end. Default: standard output.",
)
@click.option("--force", is_flag=True, help="Overwrite texts that exist already.")
@click.option("--threads", type=click.IntRange(1, 4096), metavar="N", help="CPU threads of the model.")
@server_options()
@setting_options(SETTINGS)
@click.pass_obj
def transcribe(
    config: Path | None, /, files: tuple[str, ...], output: str | None, force: bool, **given: Any
) -> None:
    """Transcribe FILES and print the text, or write it to --output.

    FILES may be folders, whose recordings are transcribed, and - for standard input. The text appears during
    the work and stays if you press Ctrl-C; progress goes to stderr if that is a terminal. If a file fails, it
    is reported and the others go on; the exit code is then 1.
    """
    server, key, threads = given.pop("server"), given.pop("api_key"), given.pop("threads")
    own = set(given) - set(SETTINGS)
    selection = {name: given.pop(name) for name in own}
    bound_arenas()
    settings = read_settings(config, given)
    show_log("warning")
    formats, plugins = find_formats(selection["formats"], settings)
    wanted, names, style = read_options(selection, settings.subtitles, formats)
    recordings, faults = find_recordings(files)
    for fault in faults:
        say(f"govor: {fault}", fg="red", err=True)
    if not recordings:
        sys.exit(1)
    if server and threads:
        raise InvalidParam("A server decides itself on its threads: leave --threads out.")
    targets = choose_targets(output, recordings, names, formats)
    if server:
        source: Source = ServerSource(Remote(server, key), wanted)
    else:
        source = LocalSource(Service(settings, plugins), wanted, threads)
    work = _Work(source, style, sys.stdout, force=force, named=len(recordings) > 1 and names[0] in HEADED)
    with redirect_stdout(sys.stderr):  # what a model prints is no part of the text
        complete = asyncio.run(work.transcribe_all(list(zip(recordings, targets, strict=True))))
    if not complete or faults:
        sys.exit(1)


HEADED = frozenset({"txt", "text", "srt", "vtt", "tsv"})
"""Formats that get a heading between recordings; in others it would be a fault."""


class _Work:
    """All recordings, one after another."""

    def __init__(self, source: Source, style: Style, standard: TextIO, *, force: bool, named: bool):
        """`standard` is standard output."""
        self._source, self._style, self._force, self._named = source, style, force, named
        self._standard = standard

    async def transcribe_all(self, recordings: Sequence[tuple[Recording, Targets]]) -> bool:
        """Transcribe recordings one by one; return whether every one succeeded."""
        wanted = [pair for pair in recordings if self._is_free(*pair)]
        complete = len(wanted) == len(recordings)
        try:
            if wanted:
                with Bar(self._source.title) as bar:
                    await self._source.open(bar.move)
            for recording, targets in wanted:
                complete = await self._transcribe(recording, targets) and complete
        except asyncio.CancelledError:
            exit_now(130)  # without a wait for the model
        finally:
            await self._source.close()
        return complete

    def _is_free(self, recording: Recording, targets: Targets) -> bool:
        """Return whether no file would be overwritten; if one would, print which."""
        try:
            check_target(recording, targets, force=self._force)
        except InvalidParam as error:
            say(f"govor: {error}", fg="red", err=True)
            return False
        return True

    async def _transcribe(self, recording: Recording, targets: Targets) -> bool:
        """Write the texts of one recording; if they are not complete, print why. Return whether they are."""
        progress = _Progress()
        heading = f"==> {recording.name} <==" if self._named else ""
        try:
            with Outputs(
                targets,
                self._style,
                self._standard,
                force=self._force,
                heading=heading,
                title=recording.stem,
            ) as outputs:
                try:
                    await self._write(recording, outputs, progress)
                except (BrokenPipeError, NotWritten, FormatFailed):
                    raise  # the reader has ended, or it is printed below
                except (GovorError, OSError) as error:
                    message = f"{recording.name}: {sentence(error)}{progress.keep(outputs)}"
                    say(f"govor: {message}", fg="red", err=True)
                    return False
                except asyncio.CancelledError:
                    say(f"govor: {recording.name}: Interrupted.{progress.keep(outputs)}", err=True)
                    raise
        except (NotWritten, FormatFailed) as error:
            say(f"govor: {error}", fg="red", err=True)
            return False
        return True

    async def _write(self, recording: Recording, outputs: Outputs, progress: _Progress) -> None:
        name = recording.name if recording.path is None else recording.path.name
        with ExitStack() as stack:
            read = stack.enter_context(opened(recording))
            path = await asyncio.to_thread(read)  # standard input may block
            bar = stack.enter_context(Bar(f"{name}{self._source.first}"))
            async with self._source.transcribe(path, name) as running, aclosing(aiter(running)) as segments:
                progress.running = running
                async for segment in segments:
                    bar.rename(name)
                    bar.move(running.seconds_done, running.seconds_stated)
                    with bar.hidden(outputs.shown):
                        outputs.add(segment)
        result = running.result()
        outputs.end(result)
        for notice in result.notices:
            say(f"govor: {recording.name}: {notice.message}", err=True)


class _Progress:
    """The progress of one recording."""

    def __init__(self) -> None:
        self.running: RunningTranscription | None = None

    def keep(self, outputs: Outputs) -> str:
        """Write the text so far of an unfinished recording; return a sentence on length and file, or ""."""
        if self.running is None or not outputs.begun:
            return ""
        done, total = self.running.seconds_done, self.running.seconds_stated
        try:
            outputs.end(self.running.result())
        except (NotWritten, FormatFailed) as error:
            return f" {error}"
        where = f" is in {', '.join(map(str, outputs.paths))}" if outputs.paths else " is above"
        of = f" of {_clock(total)}" if total else ""
        return f" The text up to {_clock(done)}{of}{where}."


def _clock(seconds: float) -> str:
    return clock(round(seconds * 1000), ".")[:8]
