"""A server that is killed while it works on jobs: the next one goes on where it stood."""

from __future__ import annotations

import os
import queue
import random
import re
import signal
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.testing import hum, silence
from support.processes.packages import install_plugin
from support.sound import media
from support.waiting import eventually

STEPPED = '''
import os, sys, threading, zlib
import govor

class Stepped:
    """Takes one line of stdin for each chunk; its text is the audio's own checksum."""
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        print("at work", flush=True)
        if options.prompt == "die":
            os.kill(os.getpid(), 9)
        if options.prompt == "hurry":
            threading.Event().wait(0.01)
        else:
            sys.stdin.readline()
        return [[govor.Segment(f"{zlib.crc32(audio.tobytes()):08x}")] for audio in batch]

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("stepped", features=frozenset({govor.Feature.PROMPT}))]

    def load(self, spec, folder, runtime):
        return Stepped()

@govor.hookimpl
def backend(settings):
    return Family()

@govor.hookimpl
def vad(settings):
    from govor.testing import FakeDetector
    return FakeDetector()
'''
STRETCHES = 6
QUIET = ("--log-level", "warning")
"""For hundreds of requests: nobody reads the pipe that a line for each would fill."""


def talk(chunks: int) -> bytes:
    """So many chunks, no two of them alike."""
    pieces = [piece for number in range(chunks) for piece in (hum(0.5 + number / 100), silence(4))]
    return media.wav(np.concatenate(pieces))


class Life:
    """One process of the server and what it has said."""

    def __init__(self, process: Any):
        self.process = process
        self.said = [process.stdout.readline().rstrip("\n") for _ in range(5)]
        match = re.match(r"Govor listens on (http://\S+)", self.said[0])
        assert match, process.stderr.read()
        self.client = httpx.Client(base_url=match[1], timeout=20)
        self._asked: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=lambda: [self._asked.put(line) for line in process.stdout])
        self._reader.start()

    def step(self, times: int = 1) -> None:
        """Let the model do so many chunks."""
        for _ in range(times):
            self.process.stdin.write("\n")
        self.process.stdin.flush()

    def works(self, times: int = 1) -> None:
        """Wait until the model has been asked so often."""
        for _ in range(times):
            assert self._asked.get(timeout=10) == "at work\n"

    def submit(self, content: bytes, **fields: str) -> str:
        files, data = {"file": ("a.wav", content)}, {"model": "stepped", "background": "true", **fields}
        response = self.client.post("/v1/audio/transcriptions", files=files, data=data)
        assert response.status_code == 202, response.text
        return response.headers["location"]

    def transcribe(self, content: bytes, **fields: str) -> str:
        files, data = {"file": ("a.wav", content)}, {"model": "stepped", **fields}
        return self.client.post("/v1/audio/transcriptions", files=files, data=data).json()["text"]

    def job(self, path: str) -> dict[str, Any]:
        return self.client.get(path).json()

    def done(self, path: str, seconds: float = 20) -> dict[str, Any]:
        """The job when it has ended."""
        assert eventually(lambda: self.job(path)["finished_at"] is not None, seconds)
        return self.job(path)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.client.close()
        self.process.send_signal(number)
        self.process.wait(12)
        self._reader.join(5)


@pytest.fixture
def live(shell: Any, started: Callable[..., Any], tmp_path: Path) -> Callable[..., Life]:
    """Start a server; all those of a test share a data folder."""
    install_plugin(shell.site, "stepped", STEPPED)

    def start(*options: str) -> Life:
        data = str(tmp_path / "data")
        return Life(
            started(
                "serve", "--port", "0", "--preload", "", "--order", "stepped", "--data-dir", data, *options
            )
        )

    return start


def test_a_job_goes_on_after_the_server_was_killed_without_losing_or_doubling_anything(live: Any) -> None:
    content, first = talk(STRETCHES), live()
    first.step(STRETCHES)
    whole = first.transcribe(content)
    first.works(STRETCHES)
    assert len(set(whole.split())) == STRETCHES

    job = first.submit(content)
    first.works()
    first.step(2)
    first.works(2)  # two are done, the third is held
    assert eventually(lambda: first.job(job)["progress"]["seconds_done"] > 5)
    started = first.job(job)["started_at"]
    first.end()

    second = live()
    second.works()  # the third again
    second.end()

    third = live()
    third.step(2)
    third.works(3)
    assert eventually(lambda: third.job(job)["progress"]["seconds_done"] > 14)
    third.end()

    last = live()
    last.step(STRETCHES)
    ended = last.done(job)
    assert (ended["status"], ended["result"]["text"]) == ("completed", whole)
    assert (ended["started_at"], ended["result"]["usage"]) == (started, {"type": "duration", "seconds": 28})
    segments = last.client.get(f"{job}/result", params={"response_format": "verbose_json"}).json()["segments"]
    assert [segment["text"] for segment in segments] == whole.split()
    last.works(2)  # the fifth again, and the sixth: nothing that was kept is asked of the model again
    last.end()


def test_jobs_that_waited_when_the_server_was_killed_are_done_in_their_order(live: Any) -> None:
    first = live()
    jobs = [first.submit(talk(1 + number)) for number in range(3)]
    first.works()
    first.end()
    second = live()
    second.step(6)
    ended = [second.done(job) for job in jobs]
    assert [len(job["result"]["text"].split()) for job in ended] == [1, 2, 3]
    finished = [job["finished_at"] for job in ended]
    assert finished == sorted(finished)
    second.end()


def test_a_job_that_kills_the_server_three_times_has_failed_and_the_next_one_is_done(live: Any) -> None:
    life = live()
    job = life.submit(talk(1), prompt="die")
    for _ in range(3):
        life.process.wait(20)
        life.end()
        life = live()
    ended = life.done(job)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "transcription_error")
    assert "3 times" in ended["error"]["message"]
    life.step()
    assert life.done(life.submit(talk(1)))["status"] == "completed"
    life.end()


def test_a_server_that_is_told_to_stop_leaves_its_job_to_the_next_one(live: Any) -> None:
    content, job = talk(6), ""
    for _ in range(2):
        life = live()
        job = job or life.submit(content)
        life.works()
        life.process.send_signal(signal.SIGTERM)
        while "Stopping" not in life.process.stderr.readline():
            assert life.process.poll() is None
        life.step()
        life.end(signal.SIGTERM)
    life = live()
    life.step(6)
    assert len(set(life.done(job)["result"]["text"].split())) == 6
    life.end()


def test_the_upload_of_a_killed_server_is_cleared_away_and_that_of_a_living_one_is_not(
    live: Any, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    first = live("--spool-dir", str(spool))
    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(first.transcribe, talk(1))
        first.works()
        first.end()
        assert isinstance(lost.exception(), httpx.HTTPError)
        (left,) = spool.iterdir()
        os.utime(left, (0, 0))  # as if it had been a while ago
        second = live("--spool-dir", str(spool))
        assert eventually(lambda: not left.exists())
        answer = threads.submit(second.transcribe, talk(1))
        second.works()
        (kept,) = spool.iterdir()
        os.utime(kept, (0, 0))
        third = live("--spool-dir", str(spool))
        assert third.client.get("/health").is_success
        assert kept.exists()
        second.step()
        assert answer.result()
    second.end()
    third.end()


@pytest.mark.slow
def test_a_stop_does_not_count_although_somebody_follows_the_job_and_the_model_is_at_work(
    live: Any, tmp_path: Path
) -> None:
    life = live("--drain-seconds", "0.5")
    job = life.submit(talk(1))
    life.works()
    with life.client.stream("GET", f"{job}/events") as response:
        lines = response.iter_lines()
        assert next(lines) == ": keep-alive"
        life.process.send_signal(signal.SIGTERM)
        assert "shutting_down" in "".join(lines)
        assert life.process.wait(12) == 0
    life.end()
    with closing(sqlite3.connect(tmp_path / "data/jobs.db")) as tables:
        assert tables.execute("SELECT status, attempts FROM jobs").fetchall() == [("queued", 0)]


def test_a_stream_that_was_cut_off_goes_on_at_the_next_server(live: Any) -> None:
    first = live()
    job = first.submit(talk(3))
    first.step()
    with first.client.stream("GET", f"{job}/events") as response:
        lines = response.iter_lines()
        told = list(iter(lambda: next(lines), "id: 1"))
        told = next(line for line in lines if line.startswith("data: "))
    first.end()
    second = live()
    second.step(3)
    with second.client.stream("GET", f"{job}/events", headers={"Last-Event-ID": "1"}) as response:
        rest = [line for line in response.iter_lines() if line.startswith("data: ")]
    assert len(rest) == 4
    assert told not in rest
    assert told.split('"delta":"')[1][:8] in rest[2]
    second.end()


@pytest.mark.slow
def test_a_server_killed_again_and_again_at_any_moment_loses_and_doubles_nothing(live: Any) -> None:
    content, draw = talk(150), random.Random(1)
    life = live(*QUIET)
    whole = life.transcribe(content, prompt="hurry")
    job, kills = life.submit(content, prompt="hurry"), 0
    while life.job(job)["finished_at"] is None:
        reached = life.job(job)["progress"]["seconds_done"] + draw.uniform(1, 120)
        eventually(lambda: life.job(job)["progress"]["seconds_done"] > reached, 20)  # noqa: B023 - called at once
        life.end()
        life, kills = live(*QUIET), kills + 1
    ended = life.done(job)
    life.end()
    assert kills > 5
    assert (ended["status"], ended["result"]["text"]) == ("completed", whole)
