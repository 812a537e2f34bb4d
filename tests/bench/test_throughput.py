"""Seconds of audio per second at 1 to 16 clients, against the best that libraries reach when called directly.

In one run: the libraries with the cores split into workers and threads either way, then the server. Files
of 20 s of talk, reading and voice detection included everywhere.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from faster_whisper import WhisperModel

import govor
import govor_silero
from bench.clients import ask, seconds_together
from bench.models import Measured, full_size, gigaam, load_gigaam, load_onnx_asr, stretches, whisper
from bench.report import report
from govor.testing import read_audio
from lengthy import write_recording
from processes import process_of

CLIENTS = (1, 4, 8, 16)
SECONDS = 20
FILES = {"whisper-base": 8, "bench": 32}
PAIRS = 3
CORES = len(os.sched_getaffinity(0))
SPLITS = sorted({(1, CORES), (CORES, 1)})
"""(workers, threads of each)"""

Call = Callable[[Path], Any]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bench") / "talk.wav", SECONDS)


def rate(call: Callable[[], Any], callers: int, files: int) -> float:
    """Seconds of audio per second."""
    return round(files * SECONDS / seconds_together(call, callers, files), 1)


def compare(
    model: Measured, direct: dict[str, float], best: Callable[[], float], where: Path, talk: Path
) -> None:
    """Print what the server reaches; with 8 clients, in turn with the best direct call, 0.95 of that."""
    files = FILES[model.id]
    with process_of(**model.settings(where)) as server, server.client() as client:

        def served(clients: int) -> float:
            return rate(lambda: ask(client, talk, model.id), clients, max(files, clients))

        ask(client, talk, model.id)
        rates = {f"{clients}": served(clients) for clients in CLIENTS}
        pairs = [(served(8), best()) for _ in range(PAIRS)]
    ratios = [round(ours / theirs, 3) for ours, theirs in pairs]
    figures = {"model": model.id, "direct": direct, "server": rates, "at_8_clients_in_turn": pairs}
    report("throughput", {**figures, "ratio_median": statistics.median(ratios), "ratios": ratios})
    assert statistics.median(ratios) >= 0.95


def faster_whisper(folder: Path, workers: int, threads: int) -> Call:
    library = WhisperModel(
        str(folder), device="cpu", compute_type="int8", num_workers=workers, cpu_threads=threads
    )
    return lambda path: list(library.transcribe(str(path), vad_filter=True, temperature=[0.0])[0])


def test_throughput_of_whisper(talk: Path, server: Any, models_dir: Path) -> None:
    folder = server.service.store.install(server.service.catalogue.find("whisper-base"))
    calls = {split: faster_whisper(folder, *split) for split in SPLITS}
    rates = {}
    for split, call in calls.items():
        call(talk)
        rates[split] = rate(lambda call=call: call(talk), 8, 8)  # type: ignore[misc]
    workers, threads = best = max(rates, key=rates.__getitem__)
    direct = {f"{split[0]} workers of {split[1]} threads": reached for split, reached in rates.items()}
    model = whisper(workers=workers, cpu_threads=threads)
    compare(model, direct, lambda: rate(lambda: calls[best](talk), 8, 8), models_dir, talk)


def test_throughput_of_gigaam(talk: Path, models_dir: Path) -> None:
    rates, ways = {}, directly(full_size() / "v3_ctc")
    for name, (callers, call) in ways.items():
        call(talk)
        rates[name] = rate(lambda call=call: call(talk), callers, 32)  # type: ignore[misc]
    callers, call = ways[max(rates, key=rates.__getitem__)]
    compare(gigaam(), rates, lambda: rate(lambda: call(talk), callers, 32), models_dir, talk)


def directly(folder: Path) -> dict[str, tuple[int, Call]]:
    """Ways to use the model without a server, by name: from how many threads, and the call."""
    recognizer, detector = load_gigaam(folder), govor_silero.vad({})

    def ours(path: Path) -> None:
        for part in stretches(read_audio(path), detector):
            recognizer.transcribe([part], govor.Options())

    ways: dict[str, tuple[int, Call]] = {"govor's recognizer": (recognizer.parallel, ours)}
    if find_spec("onnx_asr"):
        theirs = load_onnx_asr(folder, "int8", batch_size=1)
        ways["onnx-asr int8 batch 1"] = CORES, lambda path: list(theirs.recognize(path))
    return ways
