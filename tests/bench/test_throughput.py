"""Seconds of audio per second at 1 to 16 clients, against the best that libraries reach when called directly.

In one run: the libraries with the cores split into workers and threads either way, then the server. Files
of 20 s of talk, reading and voice detection included everywhere.
"""

from __future__ import annotations

import os
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


def served(model: Measured, models_dir: Path, talk: Path, files: int) -> dict[str, float]:
    """What the server reaches, by number of clients."""
    with process_of(**model.settings(models_dir)) as server, server.client() as client:
        ask(client, talk, model.id)
        return {f"{number}": rate(lambda: ask(client, talk, model.id), number, files) for number in CLIENTS}


def tell(model: str, direct: dict[str, float], servers: dict[str, dict[str, float]]) -> None:
    """Print the figures; with 8 clients the server must reach what the best library does."""
    best = max(direct.values())
    ratios = {name: round(rates["8"] / best, 3) for name, rates in servers.items()}
    report(
        "throughput", {"model": model, "direct": direct, "server": servers, "at_8_clients_to_best": ratios}
    )
    assert max(ratios.values()) >= 0.95


def faster_whisper(folder: Path, workers: int, threads: int) -> Call:
    library = WhisperModel(
        str(folder), device="cpu", compute_type="int8", num_workers=workers, cpu_threads=threads
    )
    return lambda path: list(library.transcribe(str(path), vad_filter=True, temperature=[0.0])[0])


def test_throughput_of_whisper(talk: Path, server: Any, models_dir: Path) -> None:
    folder = server.service.store.install(server.service.catalogue.find("whisper-base"))
    direct, servers = {}, {}
    for workers, threads in SPLITS:
        name = f"{workers} x {threads} threads"
        call = faster_whisper(folder, workers, threads)
        call(talk)
        direct[name] = rate(lambda call=call: call(talk), 8, 16)  # type: ignore[misc]
        model = whisper(workers=workers, cpu_threads=threads)
        servers[name] = served(model, models_dir, talk, 16)
    tell("whisper-base", direct, servers)


def test_throughput_of_gigaam(talk: Path, models_dir: Path) -> None:
    folder = full_size() / "v3_ctc"
    direct = {}
    for name, callers, call in directly(folder):
        call(talk)
        direct[name] = rate(lambda call=call: call(talk), callers, 32)  # type: ignore[misc]
    tell("gigaam-v3-ctc", direct, {"default": served(gigaam(), models_dir, talk, 64)})


def directly(folder: Path) -> list[tuple[str, int, Call]]:
    """Ways to use the model without a server: name, from how many threads, and the call."""
    recognizer, detector = load_gigaam(folder), govor_silero.vad({})

    def ours(path: Path) -> None:
        for part in stretches(read_audio(path), detector):
            recognizer.transcribe([part], govor.Options())

    ways: list[tuple[str, int, Call]] = [("govor's recognizer", recognizer.parallel, ours)]
    if find_spec("onnx_asr"):
        theirs = load_onnx_asr(folder, "int8", batch_size=1)
        ways.append(("onnx-asr int8 batch 1", CORES, lambda path: list(theirs.recognize(path))))
    return ways
