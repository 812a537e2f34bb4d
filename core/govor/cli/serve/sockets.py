"""The sockets that the server listens on."""

from __future__ import annotations

import socket
import sys
from errno import EADDRNOTAVAIL
from ipaddress import ip_address

from govor.errors import ConfigurationError
from govor.settings import Settings

KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""Silence in seconds before the first question, between two of them, and how many stay unanswered: tcp(7).
Linux asks for as long as `send_timeout` instead, if that is set."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound
"""What stands for every address of the machine, and the one of them by which it reaches itself."""


def addresses(settings: Settings) -> list[tuple[str, int]]:
    """Return what to listen on: each of `bind`, else `host` and `port`. Raises ConfigurationError."""
    return [_address(text, settings.host) for text in settings.bind] or [(settings.host, settings.port)]


def bind(settings: Settings) -> list[socket.socket]:
    """Return listening sockets. Raises ConfigurationError where an address is taken or not ours."""
    bound: list[socket.socket] = []
    try:
        for host, port in addresses(settings):
            bound.append(_listen(host, port, send_timeout=settings.send_timeout))
    except ConfigurationError:
        for one in bound:
            one.close()
        raise
    return bound


def bind_metrics(settings: Settings) -> list[socket.socket]:
    """Return the socket of separate metrics, none without them. Raises ConfigurationError."""
    if settings.metrics != "separate":
        return []
    address = _address(settings.metrics_bind, "127.0.0.1", "metrics_bind")
    return [_listen(*address, "metrics_bind", send_timeout=settings.send_timeout)]


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address; a name counts as one that others can."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(bound: socket.socket) -> str:
    """The address of a socket, as a client on this machine writes it."""
    host, port = bound.getsockname()[:2]
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def place_of(bound: socket.socket) -> str:
    """Where a socket listens, for people: its address, or that it is every one."""
    host, port = bound.getsockname()[:2]
    if host in EVERYWHERE:
        return f"every address of this machine, port {port}"
    return url_of(bound)


def _address(text: str, default_host: str, setting: str = "bind") -> tuple[str, int]:
    """Read "host:port", "[::1]:port" or "port"."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(f"{setting}: '{text}' is no address; write HOST:PORT, [::1]:PORT or a port.")
    return host.strip("[]") or default_host, int(port)


def _look_for_vanished(bound: socket.socket) -> None:
    """Have the system ask clients that are silent whether they are there: a lost network sends no goodbye."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE.items():
        if hasattr(socket, name):  # not every system has all of them
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _listen(host: str, port: int, setting: str = "", *, send_timeout: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, or asyncio does not know that it is TCP, and leaves Nagle's 40 ms in every answer but the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":  # its connections inherit it, and end when what is sent is not taken: tcp(7)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(send_timeout * 1000))
    _look_for_vanished(bound)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        absent = isinstance(error, socket.gaierror) or error.errno == EADDRNOTAVAIL
        other = f"--{setting.replace('_', '-')}" if setting else "--host" if absent else "--port"
        raise ConfigurationError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another {other}."
        ) from error
    bound.listen()  # clients may come before Hypercorn is up: they wait
    return bound
