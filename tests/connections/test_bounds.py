"""Limits of connections: idle ones, slow heads, and more clients than there are file descriptors."""

from __future__ import annotations

import http.client
import json
import logging
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from govor.connections.limits import COMPLAINT_SECONDS, Seldom
from support.clients.http2 import Connection
from support.waiting import eventually

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT = 0.05


def served(site: Any, path: bytes = b"/") -> socket.socket:
    """Return a connection that has been answered once."""
    client = site.connect()
    client.sendall(GET % path)
    assert answered(client)
    return client


def answered(client: socket.socket) -> bool:
    """Read one answer to its end; tell whether it is a good one."""
    response = http.client.HTTPResponse(client)
    response.begin()
    return response.status == 200 and bool(response.read())


@pytest.mark.parametrize("first", [b"", GET % b"/"], ids=["at first", "after an answer"])
def test_a_connection_without_a_request_ends_after_the_idle_timeout(listen: Any, first: bytes) -> None:
    found = listen(idle_seconds=SHORT).ask(first)
    assert found.count(b"HTTP/1.1 200") == bool(first)


def test_so_does_one_of_http_2(listen: Any) -> None:
    client = Connection(listen(idle_seconds=SHORT).port)
    client.post("/", b"")
    while client.receive():
        pass
    client.close()


def test_a_request_may_take_longer_than_an_idle_connection(listen: Any) -> None:
    site = listen(idle_seconds=SHORT)
    with site.connect() as held, site.connect() as idle:
        held.sendall(GET % b"/held")
        assert eventually(lambda: site.app.begun == ["/held"])
        assert idle.recv(1) == b""
        site.open_gate()
        assert answered(held)


@pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"PRI * HT"])
def test_a_head_that_does_not_end_is_given_up(listen: Any, begun: bytes) -> None:
    found = listen(header_seconds=SHORT).ask(begun)
    if begun == b"PRI * HT":
        assert found == b""
        return
    assert found.startswith(b"HTTP/1.1 408")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


def test_if_there_are_too_many_the_one_that_has_waited_longest_is_closed(listen: Any) -> None:
    site = listen(most=2)
    with served(site) as first, served(site) as second, served(site):
        assert first.recv(1) == b""
        second.sendall(GET % b"/second")
        assert answered(second)


def test_connections_with_a_request_are_not_closed(listen: Any) -> None:
    site = listen(most=1)
    with site.connect() as held:
        held.sendall(GET % b"/held")
        assert eventually(lambda: site.app.begun == ["/held"])
        with site.connect() as waiting:
            waiting.sendall(GET % b"/waiting")
            site.open_gate()
            assert answered(held)
            assert answered(waiting)
    assert site.app.begun == ["/held", "/waiting"]


WITHOUT_FILES = """
import asyncio, logging, os, resource, socket, sys
from govor.cli.serve.lifecycle import hypercorn_config
from govor.connections.limits import Limits
from govor.connections.server import serve

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": (await receive())["type"] + ".complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

async def main():
    bound = socket.create_server(("127.0.0.1", 0))
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.run_in_executor(None, sys.stdin.readline).add_done_callback(lambda _: stop.set())
    loop.call_later(0.1, limit)
    print(bound.getsockname()[1], flush=True)
    await serve(app, hypercorn_config(), [bound], Limits(idle_seconds=75.0, http2=True), stop.wait)

def limit():
    most = max(map(int, os.listdir("/proc/self/fd"))) + 1 + FREE
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("limited", flush=True)

FREE = 8
logging.basicConfig(format="%(levelname)s %(message)s")
asyncio.run(main())
"""


@contextmanager
def without_files() -> Iterator[tuple[int, Any]]:
    """Run a server that may open eight connections more than its limit; yield its port and its process."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WITHOUT_FILES]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        port = int(process.stdout.readline())  # type: ignore[union-attr]
        assert process.stdout.readline() == "limited\n"  # type: ignore[union-attr]
        try:
            yield port, process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="counts files in /proc")
def test_a_server_without_files_says_so_once_and_closes_idle_connections_for_new_ones() -> None:
    with without_files() as (port, process), ExitStack() as stack:
        clients = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), 30))) for _ in range(12)
        ]
        for client in clients[8:]:
            client.sendall(GET % b"/")
            assert answered(client)
        for client in clients:
            client.close()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as last:
            last.request("GET", "/")
            assert last.getresponse().status == 200
        _, errors = process.communicate("\n", timeout=30)
    assert errors == "WARNING No connection can be accepted: Too many open files\n"


def test_a_warning_comes_once_a_minute_with_the_number_left_out(caplog: Any) -> None:
    times = iter((0.0, 1.0, COMPLAINT_SECONDS - 1, COMPLAINT_SECONDS, 2 * COMPLAINT_SECONDS))
    seldom = Seldom(logging.getLogger("complaints"), clock=lambda: next(times))
    for _ in range(5):
        seldom.warn("No more of %s", "it")
    assert [record.getMessage() for record in caplog.records] == [
        "No more of it",
        "No more of it (2 times more since the last such line)",
        "No more of it",
    ]


LIMIT = """
import resource
from govor.cli.serve.process_tuning import most_connections, raise_files
for limits in {limits}:
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    raise_files()
    print(*resource.getrlimit(resource.RLIMIT_NOFILE), most_connections())
"""


def test_the_process_takes_as_many_files_as_it_may_and_leaves_some_to_the_rest() -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4096:
        pytest.skip("the limit of this machine is lower")
    code = LIMIT.format(limits=[(512, 4096), (1024, 1024), (256, 512), (64, 256)])
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["4096 4096 3584", "1024 1024 768", "512 512 384", "256 256 192"]
