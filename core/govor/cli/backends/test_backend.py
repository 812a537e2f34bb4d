"""`govor test-backend`: the suite for backends on an installed plugin, and one recording measured."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from govor.audio.chunking import NO_DETECTION
from govor.audio.decoding.recording import Recording
from govor.audio.regions import SpeechRules
from govor.cli.backends.standstill import Standstill
from govor.cli.backends.suite import Subject, run_suite
from govor.cli.backends.word_energy import share_on_sound
from govor.cli.terminal.options import read_settings, setting_options, show_log
from govor.cli.terminal.say import say
from govor.cli.terminal.table import megabytes
from govor.contract.models import Feature
from govor.contract.recognizers import Options
from govor.contract.results import Transcript
from govor.engine.service import Service
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import ConfigurationError, GovorError, ModelNotFound
from govor.models.catalogue import Model
from govor.plugins.tables import own_table

LEAST_ON_SOUND = 0.8
"""Least share of words on sound with which a model with times of words passes."""
LONG_STANDSTILL = 0.5
"""Seconds without any other thread from which on a server's other requests notice it."""


@click.command("test-backend", short_help="Try an installed backend: its suite, and a recording.")
@click.argument("name")
@click.argument("recording", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--model", metavar="ID", help="Only this model. Default: all that are installed.")
@click.option("--no-vad", is_flag=True, help="Treat all of RECORDING as speech.")
@setting_options(("models_dir", "device"))
@click.pass_obj
def test_backend(
    config: Path | None,
    /,
    name: str,
    recording: Path | None,
    model: str | None,
    no_vad: bool,
    **given: Any,
) -> None:
    """Run the suite for backends on the installed plugin NAME, and let its models transcribe RECORDING.

    For RECORDING it prints the text, the time per second of audio (RTF), the memory, and the share of words
    whose times lie on sound. The exit code is 1 if a test fails, if RECORDING cannot be transcribed or gives
    no text, or if fewer than 80 % of the words of a model with times of words lie on sound.
    """
    show_log("warning")
    settings = read_settings(config, given)
    service = Service(settings)
    models = _models(service, name, model)
    subject = Subject(
        name,
        own_table(settings, name),
        {each.spec.id: str(service.store.install(each)) for each in models},
        "cpu" if settings.device == "auto" else settings.device,
        str(recording.resolve()) if recording else "",
    )
    passed = run_suite(subject) and bool(models)
    if recording is not None:
        rules = NO_DETECTION if no_vad else None
        passed = asyncio.run(_listen(service, models, recording, rules)) and passed
    if not passed:
        sys.exit(1)


def _models(service: Service, name: str, wanted: str | None) -> list[Model]:
    """Return the models to try: the installed ones. Raises ConfigurationError, ModelNotFound."""
    plugin = next((plugin for plugin in service.plugins if plugin.name == name), None)
    if plugin is None:
        known = ", ".join(sorted(plugin.name for plugin in service.plugins))
        raise ConfigurationError(f"No plugin '{name}' is installed. There are {known}.")
    if plugin.backend is None:
        raise ConfigurationError(
            f"The plugin '{name}' gives no backend: {plugin.reason or 'it has no hook `backend`'}."
        )
    models = [each for each in service.catalogue if each.plugin == name and each.transcribes]
    if wanted is not None:
        chosen = [each for each in models if wanted in (each.id, each.qualified, each.spec.id)]
        if not chosen:
            raise ModelNotFound(wanted, [each.id for each in models])
        return [service.router.choose(each.qualified) for each in chosen]
    here = [each for each in models if service.store.state(each) == "installed"]
    if models and not here:
        say(f"govor: No model of '{name}' is installed; `govor pull {models[0].id}` fetches one.", err=True)
    return here


@dataclass(frozen=True, slots=True)
class Trial:
    """A recording transcribed by one model."""

    transcript: Transcript
    seconds: float
    """Seconds that it took, without the loading of the model."""
    load_seconds: float
    memory: int
    """Bytes of the loaded model."""
    working: int
    """Bytes that it took beside them while it worked."""
    standstill: float
    """Longest time in seconds in which no other thread ran."""


async def _listen(service: Service, models: Sequence[Model], path: Path, rules: SpeechRules | None) -> bool:
    """Let each model transcribe the recording; print the results, return whether all are good."""
    try:
        with Recording(path, service.decoders) as recording:
            audio = np.concatenate(list(recording.blocks()))
        good = True
        for model in models:
            say(f"\n{model.id}: {path.name}", bold=True)
            try:
                trial = await _transcribe(service, model, path, rules)
            except GovorError as error:
                say(f"govor: {error}", fg="red", err=True)
                good = False
            else:
                words = [word for segment in trial.transcript.segments for word in segment.words or ()]
                on_sound = share_on_sound(words, audio)
                good = _show(model, trial, on_sound, len(words), detected=rules is None) and good
        return good
    finally:
        await service.close()


async def _transcribe(service: Service, model: Model, path: Path, rules: SpeechRules | None) -> Trial:
    began = time.perf_counter()
    async with service.pool.lease(model) as loaded:
        ready_at = time.perf_counter()
        request = TranscriptionRequest(path, model.qualified, Options(words=True), rules=rules, max_seconds=0)
        async with service.prepare(request) as ready, service.transcribe(ready.work) as transcription:
            with Standstill() as standstill:
                async for _ in transcription:
                    pass
        took, load = time.perf_counter() - ready_at, ready_at - began
        return Trial(transcription.result(), took, load, loaded.memory, loaded.working, standstill.longest)


def _show(model: Model, trial: Trial, on_sound: float | None, words: int, *, detected: bool) -> bool:
    """Print a trial; return whether it has text, and words on sound if the model has the feature `words`.

    `detected`: the model got what voice detection found.
    """
    transcript = trial.transcript
    if not transcript.text:
        say("  text    (none)")
        why = "no speech was found, or the model wrote nothing; compare with --no-vad"
        say(f"govor: {why if detected else 'the model wrote nothing'}", err=True)
        return False
    rtf = trial.seconds / transcript.duration if transcript.duration else 0.0
    say(f"  text    {transcript.text}")
    say(f"  speed   RTF {rtf:.3f}: {trial.seconds:.1f} s for {transcript.duration:.1f} s of audio")
    say(f"  load    {trial.load_seconds:.1f} s")
    say(f"  memory  {megabytes(trial.memory)}, and {megabytes(trial.working)} while it worked")
    if trial.standstill > LONG_STANDSTILL:
        say(
            f"  others  stood still for {trial.standstill:.1f} s: the model's library keeps the GIL",
            fg="yellow",
        )
    promised = Feature.WORDS in model.spec.features
    if on_sound is None:
        said = "none, although the model has the feature `words`" if promised and words else "none"
        say(f"  words   {said}")
        return not promised
    say(f"  words   {words}, {on_sound:.0%} of them on sound")
    return not promised or on_sound >= LEAST_ON_SOUND
