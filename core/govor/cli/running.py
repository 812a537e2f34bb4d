"""One server from its sockets' first connection to the last answer before it ends."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Any, cast

from hypercorn.asyncio import serve as run_hypercorn
from hypercorn.config import Config, Sockets

from govor.app import Parts, create_app, parts_of
from govor.engine.service import Service

ANSWER_SECONDS = 2.0
"""For telling those whose requests are cut off."""

DEADLINE_SECONDS = 5.0
"""After the drain, whatever happens."""

log = logging.getLogger(__name__)


async def run(
    service: Service,
    bound: Sequence[socket.socket],
    stop: asyncio.Event,
    metrics: Sequence[socket.socket] = (),
) -> None:
    """Serve on bound sockets until `stop` is set; requests under way then have `drain_seconds`."""
    app, ended = create_app(service), asyncio.Event()
    parts = parts_of(app)
    tasks = [asyncio.create_task(_drain(parts, service, stop, ended), name="drain")]
    if metrics and (metrics_app := parts.metrics_app()):
        serving = run_hypercorn(
            cast("Any", metrics_app), hypercorn_config(metrics), shutdown_trigger=ended.wait
        )
        tasks.append(asyncio.create_task(serving, name="metrics"))
    try:
        await run_hypercorn(app, hypercorn_config(bound), shutdown_trigger=ended.wait)
    except ExceptionGroup as error:
        if not ended.is_set():
            raise
        log.debug("While stopping: a connection of HTTP/2 was cut", exc_info=error)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(parts: Parts, service: Service, stop: asyncio.Event, ended: asyncio.Event) -> None:
    """Let what is under way end while new work is refused; what takes too long is told, and cut off."""
    await stop.wait()
    service.traffic.drain()
    if not await service.traffic.drained(service.settings.drain_seconds):
        log.warning("Stopping: requests under way are ended")
        asyncio.get_running_loop().set_exception_handler(_note)  # Hypercorn cuts a connection by failing
        await parts.jobs.close()  # before the models are waited for, which may take longer than there is
        await service.close()
    ended.set()


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.debug("While stopping: %s", context["message"], exc_info=context.get("exception"))


def hypercorn_config(bound: Sequence[socket.socket]) -> Config:
    """Hypercorn's settings where its defaults do not fit long uploads and answers."""

    class Bound(Config):
        def create_sockets(self) -> Sockets:
            return Sockets([], list(bound), [])

    config = Bound()
    config.graceful_timeout = ANSWER_SECONDS
    config.keep_alive_timeout = 75.0  # longer than most proxies keep their end
    config.websocket_ping_interval = 20.0
    config.max_app_queue_size = 2  # pieces of 64 kB of an upload that wait in memory, per connection
    config.errorlog = logging.getLogger("hypercorn.error")  # in the form of all the rest
    return config
