"""Priorities of worker threads, also if the whole server is niced."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from govor.engine.workers.thread_priority import NICENESS, lower_thread_priority

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@linux
@pytest.mark.parametrize("more", [0, 10, 40], ids=["as-it-is", "niced", "niced-most"])
def test_a_worker_stands_back_behind_its_own_server(more: int) -> None:
    with ThreadPoolExecutor(1) as thread:
        server, worker = thread.submit(_server_and_worker, more).result()
    assert worker == min(server + NICENESS, 19)


def _server_and_worker(more: int) -> tuple[int, int]:
    """Return the niceness of this thread, once it has so much more, and of a worker that it begins."""
    server = min(niceness() + more, 19)
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), server)
    with ThreadPoolExecutor(1, initializer=lower_thread_priority) as workers:
        return server, workers.submit(niceness).result()
