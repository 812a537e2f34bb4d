"""`govor serve`: the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from govor.cli.serve.greeting import greeting, in_force
from govor.cli.serve.lifecycle import DEADLINE_SECONDS, run
from govor.cli.serve.open_stt_flags import open_stt_options, translate
from govor.cli.serve.process_tuning import prepare
from govor.cli.serve.sockets import addresses, bind, bind_metrics, describe_address, is_loopback, url_of
from govor.cli.terminal.exit import exit_now
from govor.cli.terminal.options import Grouped, read_settings, setting_options, show_log
from govor.cli.terminal.say import say
from govor.config_file import config_file
from govor.engine.service import Service
from govor.errors import GovorError
from govor.settings import Settings
from govor.settings.keys import refuse_clients_key

log = logging.getLogger(__name__)


@click.command(cls=Grouped)
@setting_options()
@open_stt_options
@click.pass_obj
def serve(config: Path | None, /, **options: Any) -> None:
    """Serve the OpenAI audio API over HTTP until interrupted.

    The server answers as soon as it listens. Models named by --preload are loaded meanwhile; /ready reports
    when they are in memory.
    """
    given = translate(options)
    settings = read_settings(config, given)
    show_log(settings.log_level, as_json=settings.log_json)
    service = Service(settings)
    refuse_clients_key(service.keys)
    service.folders.check()
    _warn_of_open_access(service)
    _warn_of_names(service)
    bound, metrics = bind(settings), bind_metrics(settings)
    source = config_file(config) or "no file"
    log.info("Settings given in %s, variables and flags: %s", source, in_force(settings))
    prepare()
    asyncio.run(_serve_until_signalled(service, bound, metrics, lambda: read_settings(config, given)))


def _warn_of_open_access(service: Service) -> None:
    """Warn if other machines can use the server without a key."""
    if service.keys.asked:
        return
    for host in dict.fromkeys(host for host, _ in addresses(service.settings)):
        if not is_loopback(host):
            log.warning(
                "Every client that reaches %s can use this server; GOVOR_API_KEYS makes it ask for a key. "
                "Until then it answers only under addresses, local names and those of GOVOR_ALLOWED_HOSTS",
                host,
            )
    if service.settings.trusted_proxies and not service.settings.allowed_hosts:
        log.warning("Programs cannot use a public name of the proxy unless GOVOR_ALLOWED_HOSTS has it")


def _warn_of_names(service: Service) -> None:
    """Warn of keys that look like a name and a key written without spaces."""
    if doubts := service.keys.doubts():
        log.warning("%s", doubts)


async def _serve_until_signalled(
    service: Service,
    bound: Sequence[socket.socket],
    metrics: Sequence[socket.socket],
    read: Callable[[], Settings],
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, stop, service)
    loop.add_signal_handler(signal.SIGHUP, reread, service, read)
    say(greeting(service, [describe_address(one) for one in bound], url_of(bound[0])))
    await run(service, bound, stop, metrics)
    exit_now()


def _stop(stop: asyncio.Event, service: Service) -> None:
    """Begin to stop; at a second call, exit at once."""
    if stop.is_set():
        exit_now(130)
    stop.set()
    log.info("Stopping; a second signal does not wait for requests under way")
    deadline = threading.Timer(service.settings.drain_seconds + DEADLINE_SECONDS, exit_now)
    deadline.daemon = True
    deadline.start()


def reread(service: Service, read: Callable[[], Settings]) -> None:
    """Apply changes of the configuration; if it is wrong, change nothing."""
    try:
        wanted = read()
        changed, waiting = service.change(wanted)
    except GovorError as error:
        log.error("The configuration stays as it was: %s", error)
        return
    show_log(service.settings.log_level)
    log.info("Read the configuration again; changed: %s", ", ".join(changed) or "nothing")
    _warn_of_names(service)
    if waiting:
        log.warning("Only a restart changes: %s", ", ".join(waiting))
