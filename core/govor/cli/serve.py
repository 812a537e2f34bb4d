"""`govor serve`: the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from errno import EADDRNOTAVAIL
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
from hypercorn.asyncio import serve as run_hypercorn
from hypercorn.config import Config, Sockets

from govor.app import create_app
from govor.cli.heap import bound_arenas
from govor.cli.leave import leave
from govor.cli.options import read_settings, setting_options, show_log
from govor.engine.service import Service
from govor.errors import ConfigurationError
from govor.settings import Settings

GRACE_SECONDS = 5.0  # for requests under way when the server is told to stop
ANSWER_SECONDS = 2.0  # for telling those that are not done by then
DEADLINE_SECONDS = 9.0  # whatever happens; Docker kills after ten

log = logging.getLogger(__name__)


@click.command()
@setting_options()
@click.pass_obj
def serve(config: Path | None, /, **options: Any) -> None:
    """Serve the OpenAI audio API over HTTP until interrupted.

    The server answers as soon as it listens; models named by --preload are loaded meanwhile, and /ready
    tells when they are in memory.
    """
    bound_arenas()
    settings = read_settings(config, options)
    show_log(settings.log_level)
    if not settings.api_keys and not is_loopback(settings.host):
        log.warning(
            "Whoever reaches %s can use this server; GOVOR_API_KEYS makes it ask for a key", settings.host
        )
    service = Service(settings)
    bound = bind(settings)
    asyncio.run(_serve_until_signalled(service, bound))


async def _serve_until_signalled(service: Service, bound: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _stop, stop)
    click.echo(greeting(service, bound.getsockname()[1]))
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


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address; a name counts as one that others can."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(settings: Settings) -> socket.socket:
    """Return a listening socket. Raises ConfigurationError where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named, or asyncio does not know that it is TCP, and leaves Nagle's 40 ms in every answer but the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        other = "--host" if isinstance(error, socket.gaierror) or error.errno == EADDRNOTAVAIL else "--port"
        where = f"{settings.host}, port {settings.port}"
        raise ConfigurationError(
            f"Cannot listen on {where}: {error.strerror}. Choose another {other}."
        ) from error
    bound.listen()  # clients may come before Hypercorn is up: they wait
    return bound


async def run(service: Service, bound: socket.socket, stop: asyncio.Event) -> None:
    """Serve on a bound socket until `stop` is set; requests under way then have GRACE_SECONDS."""
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


def hypercorn_config(bound: socket.socket) -> Config:
    """Hypercorn's settings where its defaults do not fit long uploads and answers."""

    class Bound(Config):
        def create_sockets(self) -> Sockets:
            return Sockets([], [bound], [])

    config = Bound()
    config.graceful_timeout = GRACE_SECONDS + ANSWER_SECONDS
    config.keep_alive_timeout = 75.0  # longer than most proxies keep their end
    config.websocket_ping_interval = 20.0
    config.max_app_queue_size = 2  # pieces of 64 kB of an upload that wait in memory, per connection
    config.errorlog = None
    return config


def greeting(service: Service, port: int) -> str:
    """What a person sees first: where the server is and a line that works."""
    settings = service.settings
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    default = service.router.default()
    models = ", ".join(model.id for model in service.router.usable()) or "none; see `govor models --all`"
    key = ' -H "Authorization: Bearer $GOVOR_API_KEY"' if settings.api_keys else ""
    sample = "tests/data/ru.wav" if Path("tests/data/ru.wav").is_file() else "recording.mp3"
    lines = [
        f"Govor listens on {url}  (API: {url}/v1, its pages: {url}/docs)",
        f"Models: {models}",
        f"Default: {default.id if default else 'none is installed'}",
        "Try it:",
        f"  curl {url}/v1/audio/transcriptions{key} -F file=@{sample}",
    ]
    return "\n".join(lines)
