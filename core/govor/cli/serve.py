"""`govor serve`: the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from hypercorn.asyncio import serve as run_hypercorn
from hypercorn.config import Config, Sockets

from govor.app import create_app
from govor.cli.familiar import familiar_options, translate
from govor.cli.heap import bound_arenas
from govor.cli.leave import leave
from govor.cli.listen import TAKEN_AT_ONCE, addresses, bind, is_loopback, urls_of
from govor.cli.options import read_settings, setting_options, show_log
from govor.engine.service import Service

GRACE_SECONDS = 5.0  # for requests under way when the server is told to stop
ANSWER_SECONDS = 2.0  # for telling those that are not done by then
DEADLINE_SECONDS = 9.0  # whatever happens; Docker kills after ten

log = logging.getLogger(__name__)


@click.command()
@setting_options()
@familiar_options
@click.pass_obj
def serve(config: Path | None, /, **options: Any) -> None:
    """Serve the OpenAI audio API over HTTP until interrupted.

    The server answers as soon as it listens; models named by --preload are loaded meanwhile, and /ready
    tells when they are in memory.
    """
    bound_arenas()
    settings = read_settings(config, translate(options))
    show_log(settings.log_level)
    for host in dict.fromkeys(host for host, _ in addresses(settings)):
        if not settings.api_keys and not is_loopback(host):
            log.warning("Whoever reaches %s can use this server; GOVOR_API_KEYS makes it ask for a key", host)
    service = Service(settings)
    bound = bind(settings)
    asyncio.run(_serve_until_signalled(service, bound))


async def _serve_until_signalled(service: Service, bound: Sequence[socket.socket]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _stop, stop)
    click.echo(greeting(service, urls_of(bound)))
    await run(service, bound, stop)
    leave()


def _stop(stop: asyncio.Event) -> None:
    """Begin to stop; told so a second time, leave at once."""
    if stop.is_set():
        leave(130)
    stop.set()
    log.info("Stopping; a second signal does not wait for requests under way")
    deadline = threading.Timer(DEADLINE_SECONDS, leave)
    deadline.daemon = True
    deadline.start()


async def run(service: Service, bound: Sequence[socket.socket], stop: asyncio.Event) -> None:
    """Serve on bound sockets until `stop` is set; requests under way then have GRACE_SECONDS."""
    cut = asyncio.create_task(_cut_off(service, stop), name="cut off")
    try:
        await run_hypercorn(create_app(service), hypercorn_config(bound), shutdown_trigger=stop.wait)
    finally:
        cut.cancel()


async def _cut_off(service: Service, stop: asyncio.Event) -> None:
    """Once the grace is over, end what is under way, so that clients are told."""
    await stop.wait()
    await asyncio.sleep(GRACE_SECONDS)
    log.warning("Stopping: requests under way are ended")
    asyncio.get_running_loop().set_exception_handler(_note)  # Hypercorn's way to cut a connection is to fail
    await service.close()


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.debug("While stopping: %s", context["message"], exc_info=context.get("exception"))


def hypercorn_config(bound: Sequence[socket.socket]) -> Config:
    """Hypercorn's settings where its defaults do not fit long uploads and answers."""

    class Bound(Config):
        def create_sockets(self) -> Sockets:
            return Sockets([], list(bound), [])

    config = Bound()
    config.graceful_timeout = GRACE_SECONDS + ANSWER_SECONDS
    config.keep_alive_timeout = 75.0  # longer than most proxies keep their end
    config.websocket_ping_interval = 20.0
    config.max_app_queue_size = 2  # pieces of 64 kB of an upload that wait in memory, per connection
    config.errorlog = None
    config.backlog = TAKEN_AT_ONCE
    return config


def greeting(service: Service, urls: Sequence[str]) -> str:
    """What a person sees first: where the server is and a line that works."""
    settings = service.settings
    url, *others = urls
    also = f", also on {', '.join(others)}" if others else ""
    default = service.router.default()
    models = ", ".join(model.id for model in service.router.usable()) or "none; see `govor models --all`"
    key = ' -H "Authorization: Bearer $GOVOR_API_KEY"' if settings.api_keys else ""
    sample = "tests/data/ru.wav" if Path("tests/data/ru.wav").is_file() else "recording.mp3"
    lines = [
        f"Govor listens on {url}{also}  (API: {url}/v1, its pages: {url}/docs)",
        f"Models: {models}",
        f"Default: {default.id if default else 'none is installed'}",
        "Try it:",
        f"  curl {url}/v1/audio/transcriptions{key} -F file=@{sample}",
    ]
    return "\n".join(lines)
