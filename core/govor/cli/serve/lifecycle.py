"""Runs one server on bound sockets until it is stopped and its requests have ended."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence

from hypercorn.config import Config

from govor.app import Parts, create_app, parts_of
from govor.cli.serve.process_tuning import most_connections
from govor.connections.limits import Limits
from govor.connections.server import serve
from govor.engine.service import Service

ANSWER_SECONDS = 2.0
"""Seconds for the answers to requests that are cut off."""

DEADLINE_SECONDS = 5.0
"""Seconds after the drain at which the process exits in any case."""

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
    limits = Limits(service.settings.idle_timeout, service.settings.http2, most=most_connections())
    tasks = [asyncio.create_task(_drain(parts, service, stop, ended), name="drain")]
    if metrics and (metrics_app := parts.metrics_app()):
        serving = serve(metrics_app, hypercorn_config(), metrics, limits, ended.wait)
        tasks.append(asyncio.create_task(serving, name="metrics"))
    try:
        await serve(app, hypercorn_config(), bound, limits, ended.wait)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(parts: Parts, service: Service, stop: asyncio.Event, ended: asyncio.Event) -> None:
    """Refuse new requests and wait for those under way; after `drain_seconds`, cut them off."""
    await stop.wait()
    service.in_flight.drain()
    if not await service.in_flight.drained(service.settings.drain_seconds):
        log.warning("Stopping: requests under way are ended")
        await parts.jobs.close()  # before the wait for the models, which may exceed the time
        await service.close()
    ended.set()


def hypercorn_config() -> Config:
    """Return Hypercorn's settings; some defaults do not suit long uploads and answers."""
    config = Config()
    config.graceful_timeout = ANSWER_SECONDS
    config.websocket_ping_interval = 20.0
    config.max_app_queue_size = 2  # blocks of 64 kB of an upload that wait in memory, per connection
    config.errorlog = logging.getLogger("hypercorn.error")  # formatted like the rest of the log
    return config
