"""Latency of a voice message of 5 s: alone, beside two files of an hour, and in a plain queue.

Also the latency of the first words of a file of an hour.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from support.bench.clients import Left, ask, busy_with, timed
from support.bench.models import Measured, gigaam, whisper
from support.bench.report import percentiles, report
from support.bench.speech import write_calm, write_hard
from support.processes.server_processes import ServerProcess, process_of
from support.sound.lengthy import stream, write_recording

ALONE, BESIDES = 10, 20
GAPS = 100
"""Deltas of a long file until its longest call is known: Whisper's windows take twice as long once the text
before them fills its context.
"""
FIFO = str(Path(__file__).parents[1] / "support/bench/fifo.py")
MODELS = {"gigaam": gigaam, "whisper": whisper}
FIFO_SECONDS = {"gigaam": 3600, "whisper": 300}
"""Length of the file before the message in the plain queue: the wait is proportional to it."""


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bench") / "hour.mp3", 3600)


@pytest.fixture(scope="module")
def message(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bench") / "message.wav", 5)


def latencies(server: ServerProcess, message: Path, model: str, number: int) -> list[float]:
    """Seconds of so many messages, one after the other."""
    with server.client() as client:
        return [timed(lambda: ask(client, message, model)) for _ in range(number)]


def longest_call(server: ServerProcess, path: Path, model: str) -> float:
    """Seconds of the longest call of the model, by the gaps between the deltas of a long file."""
    times: list[float] = []

    def note() -> None:
        times.append(time.perf_counter())
        if len(times) > GAPS:
            raise Left

    with server.client() as client, pytest.raises(Left):
        stream(client, path, model, note)
    return max(later - earlier for earlier, later in pairwise(times))


def first_words(server: ServerProcess, path: Path, model: str) -> None:
    """Send a recording; disconnect after the first delta."""

    def leave() -> None:
        raise Left

    with server.client() as client, pytest.raises(Left):
        stream(client, path, model, leave)


@pytest.mark.parametrize("name", MODELS)
def test_latency_of_a_message_beside_two_long_files(
    name: str, hour: Path, message: Path, models_dir: Path
) -> None:
    model = MODELS[name]()
    with process_of(**model.settings(models_dir)) as server:
        latencies(server, message, model.id, 2)
        alone = percentiles(latencies(server, message, model.id, ALONE))
        window = longest_call(server, hour, model.id)
        with busy_with(server, hour, model.id, 2) as told:
            besides = percentiles(latencies(server, message, model.id, BESIDES))
            assert not told, "the long files had ended"
    figures = {"model": name, "alone_s": alone, "besides_s": besides, "window_s": round(window, 3)}
    figures["ratio_p95"] = round(besides["p95"] / alone["p95"], 2)
    report("latency_of_a_message", figures)
    allowed = 2.5 * alone["p95"] if name == "gigaam" else window + 2 * alone["p95"]
    assert besides["p95"] <= allowed


def test_latency_of_a_message_beside_two_hard_files(tmp_path: Path, models_dir: Path) -> None:
    """Noise for which Whisper tries temperature after temperature, with default settings."""
    model = Measured("whisper-base")
    message = write_calm(tmp_path / "message.wav", 5)
    hard = write_hard(tmp_path / "hard.wav", 1800)
    with process_of(**model.settings(models_dir)) as server:
        latencies(server, message, model.id, 2)
        alone = percentiles(latencies(server, message, model.id, ALONE))
        with busy_with(server, hard, model.id, 2) as told:
            besides = percentiles(latencies(server, message, model.id, BESIDES))
            assert not told, "the long files had ended"
    ratio = round(besides["p95"] / alone["p95"], 2)
    report("two_hard_files", {"alone_s": alone, "besides_s": besides, "ratio_p95": ratio})
    assert ratio <= 4


@pytest.mark.parametrize("name", MODELS)
def test_a_plain_queue_makes_the_message_wait_for_the_file(
    name: str, message: Path, models_dir: Path, tmp_path: Path
) -> None:
    model, seconds = MODELS[name](), FIFO_SECONDS[name]
    path = write_recording(tmp_path / "before.mp3", seconds)
    with process_of([FIFO], **model.settings(models_dir)) as server:
        latencies(server, message, model.id, 2)
        alone = percentiles(latencies(server, message, model.id, ALONE))
        with busy_with(server, path, model.id, 1):
            (behind,) = latencies(server, message, model.id, 1)
    figures = {"model": name, "file_s": seconds, "alone_s": alone, "behind_s": round(behind, 2)}
    figures["ratio"] = round(behind / alone["p95"], 1)
    report("plain_queue", figures)
    assert behind > 5 * alone["p95"]


@pytest.mark.parametrize("name", MODELS)
def test_the_first_words_of_an_hour(name: str, hour: Path, models_dir: Path) -> None:
    model = MODELS[name]()
    with process_of(**model.settings(models_dir)) as server:
        with server.client() as client:
            ask(client, write_recording(hour.with_name("warm.wav"), 5), model.id)
        firsts = [timed(lambda: first_words(server, hour, model.id)) for _ in range(3)]
    report("first_words", {"model": name, "first_delta_s": [round(first, 2) for first in firsts]})
    assert max(firsts) <= 10
