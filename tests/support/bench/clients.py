"""Clients that send recordings to a server at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from support.processes.server_processes import ServerProcess
from support.sound.lengthy import Told, stream


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def seconds_together(call: Callable[[], Any], callers: int, calls: int) -> float:
    """Return the seconds in which so many callers make so many calls in all."""
    with ThreadPoolExecutor(callers) as threads:
        return timed(lambda: list(threads.map(lambda _: call(), range(calls))))


def ask(client: httpx.Client, path: Path, model: str, **fields: str) -> str:
    """Send one recording; return its text."""
    with path.open("rb") as file:
        answer = client.post(
            "/v1/audio/transcriptions", files={"file": (path.name, file)}, data={"model": model, **fields}
        )
    assert answer.is_success, answer.text
    return str(answer.json()["text"])


@contextmanager
def busy_with(server: ServerProcess, path: Path, model: str, number: int) -> Iterator[list[Told]]:
    """Let that many clients stream a long recording during the block, which follows their first texts."""
    begun = threading.Semaphore(0)
    leave = threading.Event()
    told: list[Told] = []

    def send() -> None:
        def progress() -> None:
            begun.release()
            if leave.is_set():
                raise Left

        with server.client() as client:
            try:
                told.append(stream(client, path, model, progress))
            except Left:
                pass
            finally:
                begun.release()

    threads = [threading.Thread(target=send, name=f"long {index}") for index in range(number)]
    for thread in threads:
        thread.start()
    for _ in threads:
        begun.acquire()
    try:
        yield told
    finally:
        leave.set()
        for thread in threads:
            thread.join()


class Left(Exception):
    """Ends a client's stream early."""
