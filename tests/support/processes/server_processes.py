"""Servers in a process of their own, whose memory can be measured. Linux only."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 120
STOP_SECONDS = 60
HOUR = 3600


@dataclass
class ServerProcess:
    """A server that has loaded its preloaded models."""

    url: str
    pid: int

    def client(self) -> httpx.Client:
        """Return a plain HTTP client of it, with timeouts for hours of audio."""
        return httpx.Client(base_url=self.url, timeout=HOUR)

    def peak_memory(self) -> int:
        """Return the peak of resident bytes since the last `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all its threads so far."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def process_of(
    command: Sequence[str] = ("-m", "govor"), env: dict[str, str] | None = None, **settings: Any
) -> Iterator[ServerProcess]:
    """Run `python COMMAND serve` with settings and nothing of this machine's, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, *command, "serve", "--port", str(port), "--log-level", "warning"],
            env={**clean_environment(), **(env or {}), **environment(settings)},
            cwd=folder,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            assert ready(process, url), (told.seek(0), told.read().decode())[1]
            yield ServerProcess(url, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of Govor."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GOVOR_")}


def printed_by(code: str, *unset: str, **variables: str) -> str:
    """Return the output of a fresh interpreter, in which only the given ones of these variables are set."""
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env={**kept, **variables}, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """Settings as environment variables."""
    return {
        f"GOVOR_{name}".upper(): value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in settings.items()
    }


def ready(process: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the server has loaded its models; return False if it has ended, or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/ready").is_success:
                return True
        except httpx.TransportError:
            pass  # it does not listen yet
        time.sleep(0.05)
    return False
