"""Seconds of audio per second at 1 to 16 clients, compared with the best of direct library calls.

In one run: the libraries with the cores split into workers and threads either way, then the best of them and
the server in turn, in short rounds, so that a machine's other users disturb both alike. Files of 20 s of
talk, with reading and voice detection everywhere.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from faster_whisper import WhisperModel

import govor
from govor.testing import read_audio
from support.bench.clients import ask, seconds_together
from support.bench.models import Measured, full_size, gigaam, load_gigaam, load_onnx_asr, stretches, whisper
from support.bench.report import report
from support.models.silero import load_silero
from support.processes.server_processes import process_of
from support.sound.lengthy import write_recording

CLIENTS = (1, 4, 8, 16)
SECONDS = 20
FILES = {"whisper-base": 8, "bench": 48}
ROUNDS = {"whisper-base": 1, "bench": 3}
CORES = len(os.sched_getaffinity(0))
SPLITS = sorted({(1, CORES), (CORES, 1)})
"""(workers, threads of each)"""

Call = Callable[[Path], Any]


@dataclass(frozen=True)
class Way:
    """A way to use a model without a server: the number of calling threads, and the call."""

    callers: int
    call: Call


@dataclass(frozen=True)
class Speed:
    """The result of one measurement."""

    rtfx: float
    per_core: float
    """RTFx of one core: by CPU time, on which a machine's other users have little effect."""


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bench") / "talk.wav", SECONDS)


def measure(call: Callable[[], Any], callers: int, files: int, cpu: Callable[[], float]) -> Speed:
    """Let so many callers make so many calls; `cpu` returns the CPU seconds of the working process."""
    before = cpu()
    wall = seconds_together(call, callers, files)
    return Speed(files * SECONDS / wall, files * SECONDS / (cpu() - before))


def compare(model: Measured, direct: dict[str, Way], where: Path, talk: Path) -> None:
    """Print the server's speed; assert 0.95 of the best direct call with 8 clients, in turn."""
    files = FILES[model.id]

    def called(way: Way) -> Speed:
        return measure(lambda: way.call(talk), way.callers, files, time.process_time)

    for way in direct.values():
        way.call(talk)
    rates = {name: called(way).rtfx for name, way in direct.items()}
    best = max(rates, key=rates.__getitem__)
    with process_of(**model.settings(where)) as server, server.client() as client:

        def served(clients: int) -> Speed:
            return measure(
                lambda: ask(client, talk, model.id), clients, max(files, clients), server.cpu_seconds
            )

        ask(client, talk, model.id)
        rounds = [
            (called(direct[best]), {clients: served(clients) for clients in CLIENTS})
            for _ in range(ROUNDS[model.id])
        ]
    ratios = [ours[8].rtfx / theirs.rtfx for theirs, ours in rounds]
    figures = {
        "model": model.id,
        "direct_rtfx": {name: round(rtfx, 1) for name, rtfx in rates.items()},
        "best_direct_rtfx": [round(theirs.rtfx, 1) for theirs, _ in rounds],
        "server_rtfx": {each: [round(ours[each].rtfx, 1) for _, ours in rounds] for each in CLIENTS},
        "ratios_at_8": [round(ratio, 3) for ratio in ratios],
        "ratio_median": round(statistics.median(ratios), 3),
        "rtfx_per_core": {
            "direct": round(statistics.median(theirs.per_core for theirs, _ in rounds), 1),
            "server": round(statistics.median(ours[8].per_core for _, ours in rounds), 1),
        },
    }
    report("throughput", figures)
    assert statistics.median(ratios) >= 0.95


def faster_whisper(folder: Path, workers: int, threads: int) -> Way:
    library = WhisperModel(
        str(folder), device="cpu", compute_type="int8", num_workers=workers, cpu_threads=threads
    )
    return Way(8, lambda path: list(library.transcribe(str(path), vad_filter=True, temperature=[0.0])[0]))


def test_throughput_of_whisper(talk: Path, server: Any, models_dir: Path) -> None:
    folder = server.service.store.install(server.service.catalogue.find("whisper-base"))
    ways = {f"{each[0]} workers of {each[1]} threads": faster_whisper(folder, *each) for each in SPLITS}
    compare(whisper(), ways, models_dir, talk)


def test_throughput_of_gigaam(talk: Path, models_dir: Path) -> None:
    compare(gigaam(), directly(full_size() / "v3_ctc"), models_dir, talk)


def directly(folder: Path) -> dict[str, Way]:
    """Return ways to use the model without a server, by name."""
    recognizer, detector = load_gigaam(folder), load_silero()

    def ours(path: Path) -> None:
        for part in stretches(read_audio(path), detector):
            recognizer.transcribe([part], govor.Options())

    ways = {"govor's recognizer": Way(recognizer.info.parallel, ours)}
    if find_spec("onnx_asr"):
        theirs = load_onnx_asr(folder, "int8", batch_size=1)
        ways["onnx-asr int8 batch 1"] = Way(CORES, lambda path: list(theirs.recognize(path)))
    return ways
