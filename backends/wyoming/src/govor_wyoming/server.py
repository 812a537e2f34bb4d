"""The listening socket, and the connected clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from wyoming.error import Error
from wyoming.event import async_write_event

import govor
from govor_wyoming.conversation import BoundedReader, Conversation
from govor_wyoming.settings import WyomingSettings

LINE_BYTES = 64_000
LINGER_SECONDS = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def listening(
    transcriber: govor.Transcriber, settings: WyomingSettings
) -> AsyncIterator[tuple[str, int]]:
    """Serve clients within the block; yields the address. Raises ConfigurationError if it is in use."""
    clients = Clients(transcriber, settings)
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(clients.protocol, settings.host, settings.port)
    except OSError as error:
        raise govor.ConfigurationError(
            f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}. "
            "Change `host` or `port` in [plugins.wyoming]."
        ) from error
    host, port = server.sockets[0].getsockname()[:2]
    log.info("Wyoming clients are served on %s, port %d", host, port)
    if not _is_loopback(host):
        log.warning(
            "Wyoming has no keys: every client that reaches %s, port %d can use the models", host, port
        )
    try:
        yield host, port
    finally:
        server.close()
        await clients.close()


class Clients:
    """All connections."""

    def __init__(self, transcriber: govor.Transcriber, settings: WyomingSettings):
        self._transcriber = transcriber
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    def protocol(self) -> asyncio.StreamReaderProtocol:
        """Return the protocol of one more connection."""
        reader = BoundedReader(limit=LINE_BYTES)
        return asyncio.StreamReaderProtocol(reader, self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        full = len(self._tasks) >= self._settings.max_clients
        task = asyncio.create_task(
            self._refuse(reader, writer) if full else self._converse(reader, writer), name="wyoming client"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all conversations."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Conversation(self._transcriber, self._settings, reader, writer).run()
            await _linger(reader, writer)
        except ConnectionError as error:
            log.debug("A Wyoming client has disconnected: %s", error)
        except Exception:
            log.exception("A Wyoming client's request failed")
        finally:
            await _hang_up(writer)

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        error = Error(
            f"{self._settings.max_clients} clients are connected, and no more are accepted.", "busy"
        )
        with suppress(ConnectionError):
            await async_write_event(error.event(), writer)
            await _linger(reader, writer)
        await _hang_up(writer)


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End the output and discard a refused client's input: if closed at once, it could not read why."""
    with suppress(OSError):  # ENOTCONN: it has disconnected already
        writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(LINE_BYTES):
                pass


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, TimeoutError):
        await writer.wait_closed()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
