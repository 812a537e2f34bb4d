"""Another packaged server in the same run: wyoming-faster-whisper, on the same weights.

It is used if it is installed (pip install wyoming-faster-whisper), or by $WYOMING_PYTHON, the Python of
an environment that has it.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.bench.clients import ask, seconds_together
from support.bench.models import whisper
from support.bench.report import report
from support.processes.server_processes import START_SECONDS, process_of

FILES, ROUNDS = 8, 3
CLIENTS = (1, 4, 8)
CHUNK = 16_000
LANGUAGE = "en"

Address = tuple[str, int]


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has the peer."""
    named = os.environ.get("WYOMING_PYTHON")
    if named is None and find_spec("wyoming_faster_whisper") is None:
        pytest.skip("wyoming-faster-whisper is not installed")
    return named or sys.executable


@contextmanager
def wyoming(python: str, weights: Path, threads: int) -> Iterator[Address]:
    """Run the peer with Govor's beam and number type."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address: Address = probe.getsockname()
    options = {"uri": f"tcp://127.0.0.1:{address[1]}", "model": weights, "compute-type": "int8"}
    options |= {"beam-size": 5, "cpu-threads": threads, "language": LANGUAGE}
    command = [python, "-m", "wyoming_faster_whisper", "--vad-filter", "--data-dir", tempfile.gettempdir()]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not listens(address):
            assert process.poll() is None, "the peer does not start"
            assert time.monotonic() < deadline, "the peer does not listen"
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def listens(address: Address) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def ask_wyoming(address: Address, path: Path) -> str:
    """Send one wav by the Wyoming protocol: lines of JSON, each followed by its data and payload."""
    sound = {"rate": 16_000, "width": 2, "channels": 1}
    with (
        wave.open(str(path)) as file,
        socket.create_connection(address) as link,
        link.makefile("rwb") as peer,
    ):

        def send(kind: str, data: dict[str, Any], payload: bytes = b"") -> None:
            header = {"type": kind, "data": data, "payload_length": len(payload)}
            peer.write(json.dumps(header).encode() + b"\n" + payload)

        send("transcribe", {"language": LANGUAGE})
        send("audio-start", sound)
        while frames := file.readframes(CHUNK):
            send("audio-chunk", sound, frames)
        send("audio-stop", {})
        peer.flush()
        while line := peer.readline():
            event = json.loads(line)
            data = json.loads(peer.read(event.get("data_length") or 0) or b"{}") | (event.get("data") or {})
            peer.read(event.get("payload_length") or 0)
            if event["type"] == "transcript":
                return str(data["text"])
    raise AssertionError("the peer ended without a transcript")


def test_throughput_beside_another_packaged_server(
    python: str, server: Any, models_dir: Path, samples: Path
) -> None:
    # clear speech, so that neither decodes again at a temperature, which is random: the peer always may
    talk, seconds = samples / "en.wav", duration(samples / "en.wav")
    weights = server.service.store.install(server.service.catalogue.find("whisper-base"))
    cores = len(os.sched_getaffinity(0))
    model = whisper(temperature_fallback=True)
    with (
        wyoming(python, weights, cores) as peer,
        process_of(**model.settings(models_dir)) as own,
        own.client() as client,
    ):
        calls = {
            "govor": lambda: ask(client, talk, model.id, language=LANGUAGE),
            "wyoming-faster-whisper": lambda: ask_wyoming(peer, talk),
        }
        texts = {name: call() for name, call in calls.items()}
        rates = {
            clients: [
                {
                    name: FILES * seconds / seconds_together(call, clients, FILES)
                    for name, call in calls.items()
                }
                for _ in range(ROUNDS)
            ]
            for clients in CLIENTS
        }
    ratios = {
        clients: [each["govor"] / each["wyoming-faster-whisper"] for each in rounds]
        for clients, rounds in rates.items()
    }
    medians = {clients: round(statistics.median(each), 3) for clients, each in ratios.items()}
    report(
        "another_packaged_server",
        {
            "rtfx": {
                name: {
                    clients: round(statistics.median(each[name] for each in rounds), 1)
                    for clients, rounds in rates.items()
                }
                for name in calls
            },
            "govor_to_peer": medians,
            "lowest_and_highest": [
                round(pick(one for each in ratios.values() for one in each), 3) for pick in (min, max)
            ],
            "same_text": len({text.strip() for text in texts.values()}) == 1,
        },
    )
    assert statistics.median(one for each in ratios.values() for one in each) >= 0.95


def duration(path: Path) -> float:
    """Seconds of a WAV file."""
    with wave.open(str(path)) as sound:
        return sound.getnframes() / sound.getframerate()
