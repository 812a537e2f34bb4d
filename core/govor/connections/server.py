"""Serve an application on listening sockets, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import LifespanState
from hypercorn.utils import wrap_app

from govor.connections.connection import Connection, Listener
from govor.connections.limits import Limits, Seldom

RETRY_SECONDS = 0.5
"""Seconds before accepting again after the system lacked resources for a connection."""

log = logging.getLogger(__name__)


async def serve(
    app: Any,
    config: Config,
    bound: Sequence[socket.socket],
    limits: Limits,
    stop: Callable[[], Awaitable[object]],
) -> None:
    """Serve an ASGI application until `stop` returns.

    Answers in progress then have `config.graceful_timeout` seconds. Raises Hypercorn's LifespanFailureError
    if the application does not start.
    """
    wrapped, state = wrap_app(app, config.wsgi_max_body_size, "asgi"), cast("LifespanState", {})
    life = Lifespan(wrapped, config, asyncio.get_running_loop(), state)
    living = asyncio.create_task(life.handle_lifespan())
    await life.wait_for_startup()
    if living.done():
        living.result()
    connections = Connections(Listener(wrapped, config, WorkerContext(None), state, limits))
    accepting = [asyncio.create_task(connections.accept_from(one)) for one in bound]
    try:
        await stop()
    finally:
        await connections.end(accepting, config.graceful_timeout)
        for one in bound:
            one.close()
        await life.wait_for_shutdown()
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


class Connections:
    """All connections of one listener. Used in its event loop only."""

    def __init__(self, listener: Listener):
        self._listener = listener
        self._running: dict[asyncio.Task[None], Connection] = {}
        self._full, self._failed = Seldom(log), Seldom(log)

    async def accept_from(self, bound: socket.socket) -> None:
        """Accept connections until cancelled; at the limit, clients wait in the system's queue."""
        bound.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(bound)
            except ConnectionAbortedError:
                continue  # the client has left the queue
            except OSError as error:
                self._failed.warn("No connection can be accepted: %s", error.strerror)
                self._make_way()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._room()
            await self._begin(accepted)

    async def end(self, accepting: Sequence[asyncio.Task[None]], seconds: float) -> None:
        """Accept no more connections; give answers in progress so many seconds."""
        await self._listener.context.terminated.set()
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)
        for connection in list(self._listener.resting):
            connection.close()
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task, connection in list(self._running.items()):
            connection.abort()
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _room(self) -> None:
        """Wait until the number of connections is below the limit."""
        while len(self._running) >= self._listener.limits.most:
            self._full.warn("There are %d connections, as many as are allowed", len(self._running))
            self._listener.stirred.clear()
            self._make_way()
            await self._listener.stirred.wait()

    def _make_way(self) -> None:
        """Close the connection that has waited for a request the longest."""
        longest = next(iter(self._listener.resting), None)
        if longest is not None:
            longest.close()

    async def _begin(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(
            reader, lambda _, writer: self._run(reader, writer), loop=loop
        )
        with suppress(OSError):  # the client has disconnected
            await loop.connect_accepted_socket(lambda: protocol, accepted)

    def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._listener, reader, writer)
        task = asyncio.create_task(connection.run())
        self._running[task] = connection
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._listener.resting.pop(self._running.pop(task), None)
        self._listener.stirred.set()
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._listener.context.terminated.is_set():
            self._failed.warn("A connection was cut off: %r", _innermost(error))
            log.debug("It failed with", exc_info=error)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
