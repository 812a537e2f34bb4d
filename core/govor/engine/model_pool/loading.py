"""Loads one model: the backend's load in a thread, a trial run, the memory that it took."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.diarization import Voices
from govor.contract.machine.cores import no_more_than
from govor.contract.models import ModelKind, ModelSpec, RuntimeOptions
from govor.contract.recognizers import Options, Recognizer, VoiceDetector
from govor.contract.results import Segment
from govor.contract.texts.processing import TextOptions, TextProcessor
from govor.contract.workers import Executor, Worker
from govor.engine.model_pool.loaded_models import Loaded, Opened
from govor.engine.model_pool.process_memory import MemoryProbe, give_back, mapped_apart
from govor.engine.scheduling.core_budget import CoreBudget
from govor.engine.scheduling.scheduler import STOPPING, ModelScheduler
from govor.engine.workers.thread_worker import ThreadWorker
from govor.errors import GovorError, LoadFailed, ShuttingDown, reason
from govor.events import Observer
from govor.models.catalogue import Model
from govor.models.checks import loaded_fault, result_fault
from govor.models.old_contract import adapted
from govor.models.streamed import transcribe
from govor.plugins import OURS
from govor.settings.model import scheme_of

TRIAL_SECONDS = 1.0

log = logging.getLogger(__name__)


class Loader:
    """Loads models, and remembers the memory that each took the last time."""

    def __init__(
        self,
        probe: MemoryProbe,
        cores: CoreBudget | None = None,
        observer: Observer | None = None,
        executors: Mapping[str, Executor] | None = None,
    ):
        """`executors`: those of plugins, by the scheme of the devices that they run."""
        self._executors = executors or {}
        self._probe = probe
        self._cores = cores
        self._observer = observer
        self._took: dict[tuple[str, ModelSpec], int] = {}

    def estimate(self, model: Model, folder: Path) -> int:
        """Return the bytes that a model will take: as last measured, by its spec, or by its files."""
        known = self._took.get((model.plugin, model.spec)) or model.spec.memory or model.spec.size
        named = [folder / file.name for file in model.spec.files]
        return known or sum(map(_size, named or folder.rglob("*")))  # an operator's model may list no files

    def schedule(self, model: Model, opened: Opened) -> Loaded:
        """Return a loaded model with a scheduler of its own."""
        scheduler = ModelScheduler(opened.worker, model.id, self._cores, self._observer)
        loaded = Loaded(model, scheduler, opened.worker.info.capabilities)
        loaded.put(opened)
        return loaded

    async def open(self, model: Model, folder: Path, runtime: RuntimeOptions, *, trial: bool) -> Opened:
        """Load a model and measure it; `trial`: let it transcribe a second of noise before it is used.

        Raises LoadFailed. If the caller is cancelled, the recognizer is closed as soon as it has loaded.
        """
        if scheme_of(runtime.device) and not model.transcribes:
            runtime = replace(runtime, device="auto")  # calls of other kinds cannot be sent elsewhere
        executor = executor_of(model, runtime.device, self._executors)
        began = time.monotonic()
        worker: Worker
        with self._probe.measure() as growth:
            try:
                if executor is not None:
                    worker = await executor.load(model.plugin, model.spec, folder, runtime)
                else:
                    worker = await self._in_threads(model, folder, runtime, trial=trial)
            except (GovorError, *OURS):
                raise
            except BaseException as error:  # an executor of a plugin may raise anything
                log.exception("Loading '%s' failed", model.id)
                raise LoadFailed(f"The model '{model.id}' cannot be loaded: {reason(error)}") from error
        seconds = time.monotonic() - began
        if not isinstance(worker, ThreadWorker):  # its memory is not this machine's
            return Opened(worker, worker.info.runtime.or_else(runtime), 0, measured=False, seconds=seconds)
        took = growth.bytes
        if model.kind is ModelKind.VAD and model.spec.memory:
            took = None  # it is loaded first, so most of this are libraries that other models use too
        if took:
            self._took[model.plugin, model.spec] = took
        return Opened(
            worker,
            worker.info.runtime.or_else(runtime),
            took or self.estimate(model, folder),
            measured=bool(took),
            seconds=seconds,
            instance=worker.model,
        )

    async def _in_threads(
        self, model: Model, folder: Path, runtime: RuntimeOptions, *, trial: bool
    ) -> ThreadWorker:
        delivery = _Delivery()
        try:
            with no_more_than(self._cores.cores) if self._cores else nullcontext():
                recognizer = await asyncio.to_thread(_read, model, folder, runtime, delivery, trial=trial)
            return ThreadWorker(recognizer, model.id)
        except asyncio.CancelledError:
            delivery.refuse()
            raise


def executor_of(model: Model, device: str, executors: Mapping[str, Executor]) -> Executor | None:
    """Return the executor that runs a device; None: the model's own plugin does. Raises LoadFailed."""
    scheme = scheme_of(device)
    if not scheme:
        return None
    if scheme not in executors:
        known = ", ".join(f"{each}:" for each in sorted(executors)) or "none"
        raise LoadFailed(
            f"No plugin runs the device '{device}' of '{model.id}'. Schemes that plugins run: {known}."
        )
    return executors[scheme]


class _Delivery:
    """Hands a recognizer from the loading thread to the event loop; closes it if the load was cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused = False
        self._recognizer: Recognizer | None = None

    def take(self, recognizer: Recognizer) -> Recognizer:
        """Take the recognizer, in the loading thread. Raises ShuttingDown if the load was cancelled."""
        with self._lock:
            self._recognizer = recognizer
            if not self._refused:
                return recognizer
        recognizer.close()
        raise ShuttingDown(STOPPING)

    def refuse(self) -> None:
        """Cancel: close the recognizer now, or once it has loaded."""
        with self._lock:
            self._refused, recognizer = True, self._recognizer
        if recognizer is not None:
            recognizer.close()


def _read(
    model: Model, folder: Path, runtime: RuntimeOptions, delivery: _Delivery, *, trial: bool
) -> Recognizer:
    """Load a model. Runs in a worker thread."""
    give_back()
    try:
        # a voice detector is small, and stays: only its libraries would take longer to import
        with nullcontext() if model.kind is ModelKind.VAD else mapped_apart():
            recognizer = adapted(
                model.backend.load(model.spec, folder, runtime), model.plugin, transcribes=model.transcribes
            )
        if fault := loaded_fault(recognizer, transcribes=model.transcribes):
            raise LoadFailed(f"The model '{model.id}' was loaded, but {fault}.")
        if trial:
            try:
                try_out(model, recognizer)
            except BaseException:
                recognizer.close()
                raise
    except BaseException as error:
        if isinstance(error, Exception) and not isinstance(error, StopIteration | CancelledError):
            raise
        # asyncio's Futures cannot carry StopIteration; the others would end the server, or cancel this load
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
    give_back()  # memory that only the loading took must not be measured
    return delivery.take(recognizer)


def try_out(model: Model, recognizer: Recognizer) -> None:
    """Let a model transcribe a second of faint noise. Raises LoadFailed if its result is no Segment."""
    noise = faint_noise(TRIAL_SECONDS)
    if model.kind is ModelKind.DIARIZATION:
        trial = cast("Voices", recognizer).stream()
        trial.feed(noise)
        trial.finish()
        return
    if model.kind is ModelKind.VAD:
        detector = cast("VoiceDetector", recognizer)
        detector.stream().feed(noise[: len(noise) // detector.frame * detector.frame])
        return
    if model.kind is ModelKind.TEXT:
        cast("TextProcessor", recognizer).process([Segment("one two")], TextOptions())
        return
    answer: object = transcribe(recognizer, [noise], Options())
    if fault := result_fault(answer, 1):
        raise LoadFailed(f"The model '{model.id}' was loaded, but {fault}.")


def faint_noise(seconds: float) -> Audio:
    """Return the same noise every time, 40 dB below full scale."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE), np.float32) * 0.01
    noise.setflags(write=False)
    return noise


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
