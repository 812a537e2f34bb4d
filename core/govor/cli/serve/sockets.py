"""The sockets that the server listens on."""

from __future__ import annotations

import socket
import sys
from errno import EADDRNOTAVAIL
from ipaddress import ip_address

from govor.errors import ConfigurationError
from govor.settings import Settings

KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""Seconds of silence before the first probe, seconds between probes, unanswered probes to allow: tcp(7).
If `send_timeout` is set, Linux probes for that time instead."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound
"""Addresses that mean every address of the machine, and the loopback address for each."""


def addresses(settings: Settings) -> list[tuple[str, int]]:
    """Return the addresses of `bind`, else that of `host` and `port`. Raises ConfigurationError."""
    return [_address(text, settings.host) for text in settings.bind] or [(settings.host, settings.port)]


def bind(settings: Settings) -> list[socket.socket]:
    """Return listening sockets. Raises ConfigurationError if an address is in use or not this machine's."""
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
    """Return the socket of separate metrics; empty if they are not separate. Raises ConfigurationError."""
    if settings.metrics != "separate":
        return []
    address = _address(settings.metrics_bind, "127.0.0.1", "metrics_bind")
    return [_listen(*address, "metrics_bind", send_timeout=settings.send_timeout)]


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address; names other than localhost do not count."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(bound: socket.socket) -> str:
    """Return the URL of a socket for a client on this machine."""
    host, port = bound.getsockname()[:2]
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def describe_address(bound: socket.socket) -> str:
    """Return the address that a socket listens on, for the terminal: its URL, or "every address"."""
    host, port = bound.getsockname()[:2]
    if host in EVERYWHERE:
        return f"every address of this machine, port {port}"
    return url_of(bound)


def _address(text: str, default_host: str, setting: str = "bind") -> tuple[str, int]:
    """Parse "host:port", "[::1]:port" or "port"."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(f"{setting}: '{text}' is no address; write HOST:PORT, [::1]:PORT or a port.")
    return host.strip("[]") or default_host, int(port)


def _look_for_vanished(bound: socket.socket) -> None:
    """Let the system probe silent clients, for a lost network does not close connections."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE.items():
        if hasattr(socket, name):  # not every system has all three
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _listen(host: str, port: int, setting: str = "", *, send_timeout: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # If the protocol is not named, asyncio leaves Nagle's 40 ms in every answer but the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":  # connections inherit it, and end if sent data is not acknowledged: tcp(7)
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
    bound.listen()  # clients that connect before Hypercorn runs wait
    return bound
