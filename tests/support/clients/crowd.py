"""Many clients at once against a server in a process of its own, with measurements of both."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE_SECONDS = 240
PAUSE_SECONDS = 0.02

CLIENTS = """
import asyncio, collections, json, sys
import httpx

url, recording, clients, fields = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
content = open(recording, "rb").read()

async def ask(client):
    answer = await client.post(url, files={"file": ("a.wav", content)}, data=fields)
    return answer.status_code, "retry-after" in answer.headers, answer.text[:200]

async def main():
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=200, limits=limits) as client:
        answers = await asyncio.gather(*(ask(client) for _ in range(clients)), return_exceptions=True)
    print(json.dumps([list(one) if isinstance(one, tuple) else [0, False, repr(one)] for one in answers]))

asyncio.run(main())
"""


@dataclass
class Answer:
    """The answer to one client."""

    status: int
    """0: an error of the connection, no answer."""
    asked_back: bool
    """Whether it named a time to retry."""
    text: str


@dataclass
class Process:
    """A server in its own process."""

    url: str
    pid: int

    def resident(self) -> int:
        """Return the resident bytes."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """Return the peak of resident bytes."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


@contextmanager
def server_process(models_dir: Path, *options: str) -> Iterator[Process]:
    """Run `govor serve` on a free port until the block ends."""
    command = [sys.executable, "-m", "govor", "serve", "--port", "0", "--models-dir", str(models_dir)]
    env = {**os.environ, "GOVOR_LOG_LEVEL": "warning"}
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            said = re.search(r"http://\S+", process.stdout.readline())
            assert said
            yield Process(said[0], process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def ask_at_once(server: Process, recording: Path, clients: int, **fields: str) -> list[Answer]:
    """Send one recording from many clients, in another process; each gets an Answer."""
    command = [sys.executable, "-c", CLIENTS, server.url + "/v1/audio/transcriptions", str(recording)]
    ran = subprocess.run(
        [*command, str(clients), json.dumps(fields)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return [Answer(*each) for each in json.loads(ran.stdout)]


def quantile(values: list[float], share: float) -> float:
    """Return the value that this share does not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


class Pulse:
    """Requests /health repeatedly, in a thread, and records the response times."""

    def __init__(self, server: Process):
        self._server = urlsplit(server.url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seconds: list[float] = []
        self.stalls: list[float] = []
        """Excess of its own pauses: delays by the machine, not by the server."""
        self.failures: list[str] = []

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share was answered."""
        return quantile(self.seconds, share)

    def _run(self) -> None:
        assert self._server.hostname
        connection = HTTPConnection(self._server.hostname, self._server.port, timeout=30)
        paused = time.perf_counter()
        while not self._stop.wait(PAUSE_SECONDS):
            began = time.perf_counter()
            self.stalls.append(began - paused - PAUSE_SECONDS)
            connection.request("GET", "/health")
            answer = connection.getresponse()
            answer.read()
            paused = time.perf_counter()
            self.seconds.append(paused - began)
            if answer.status != 200:
                self.failures.append(str(answer.status))
        connection.close()
