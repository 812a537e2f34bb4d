"""Another packaged server in the same run: wyoming-faster-whisper, on the same weights.

It is found where it is installed (pip install wyoming-faster-whisper), or by $WYOMING_PYTHON, the Python of
an environment that has it.
"""

from __future__ import annotations

import json
import os
import socket
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

from bench.clients import ask, seconds_together
from bench.models import whisper
from bench.report import report
from lengthy import write_recording
from processes import START_SECONDS, process_of

SECONDS, FILES = 20, 8
CLIENTS = (1, 4, 8)
CHUNK = 16_000
LANGUAGE = "ru"  # of the talk

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
    """Run the peer with its beam and numbers set as Govor's are."""
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
    python: str, server: Any, models_dir: Path, tmp_path: Path
) -> None:
    talk = write_recording(tmp_path / "talk.wav", SECONDS)
    weights = server.service.store.install(server.service.catalogue.find("whisper-base"))
    cores = len(os.sched_getaffinity(0))
    model = whisper(temperature_fallback=True)  # the peer has it, and no setting for it
    rates: dict[str, dict[str, float]] = {"govor": {}, "wyoming-faster-whisper": {}}
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
        for clients in CLIENTS:
            for name, call in calls.items():
                taken = seconds_together(call, clients, FILES)
                rates[name][f"{clients}"] = round(FILES * SECONDS / taken, 1)
    ratios = {
        each: round(rates["govor"][each] / rates["wyoming-faster-whisper"][each], 2)
        for each in rates["govor"]
    }
    report(
        "another_packaged_server",
        {
            "rtfx": rates,
            "govor_to_peer": ratios,
            "same_text": len({text.strip() for text in texts.values()}) == 1,
        },
    )
    assert min(ratios.values()) >= 0.95
