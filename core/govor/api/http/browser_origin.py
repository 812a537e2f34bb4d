"""Origin of a request, by the headers that browsers send; checked while no key is asked for.

Programs send no such headers, and pass. Two kinds of pages are refused: those of other origins, and those
whose own foreign host name was pointed at this machine after they were loaded (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from govor.api.http.forwarded import header_text, outermost_hop
from govor.errors import HostDenied, OriginDenied
from govor.settings import Settings
from govor.settings.hosts import host_name, is_allowed_host, is_loopback
from govor.settings.origins import EVERYBODY, is_listed

LONGEST_NAME = 100
"""Most characters of a client's name for the server that an error contains."""


@dataclass(frozen=True, slots=True)
class BrowserOrigin:
    """The page that a request comes from, and that page's names for the server."""

    hosts: tuple[str, ...]
    """Values of Host; with HTTP/2 there may be several."""
    forwarded: str
    """Host that a trusted proxy was asked for; "" if there is no proxy, or it does not say."""
    is_encrypted: bool
    """Whether a trusted proxy was asked over TLS."""
    origin: str
    site: str
    """Sec-Fetch-Site. No page can set it, and browsers send it only over TLS or to loopback (W3C Fetch
    Metadata: to potentially trustworthy URLs), so not to a name of DNS rebinding."""

    @classmethod
    def of(cls, headers: Sequence[tuple[bytes, bytes]], proxies: int) -> BrowserOrigin:
        """Read the headers; of X-Forwarded-… and Forwarded, one entry per trusted proxy is believed."""
        given: dict[bytes, list[str]] = {}
        for name, value in headers:
            given.setdefault(name.lower(), []).append(header_text(value))

        def last(name: bytes) -> str:
            return given.get(name, [""])[-1]

        hop = outermost_hop(headers, proxies)
        return cls(
            hosts=tuple(given.get(b"host", ())),
            forwarded=hop.host,
            is_encrypted=hop.proto.lower() in ("https", "wss"),
            origin=last(b"origin"),
            site=last(b"sec-fetch-site"),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the server in the request."""
        return (*self.hosts, self.forwarded) if self.forwarded else self.hosts


def check_origin(browser: BrowserOrigin, settings: Settings) -> None:
    """Raise OriginDenied or HostDenied if a foreign page makes a browser send the request."""
    if EVERYBODY in settings.allow_origins or (
        browser.origin and is_listed(browser.origin, settings.allow_origins)
    ):
        return
    if _is_foreign(browser):
        raise OriginDenied(
            "Pages of this origin may not use the server while it asks for no key; `allow_origins` names who "
            "may."
        )
    if browser.site or (browser.is_encrypted and browser.origin.lower().startswith("https://")):
        return  # the browser has checked the name's certificate, which no foreign page can have
    own = own_names(settings)
    for host in browser.hosts if browser.is_encrypted else browser.names:
        if not is_allowed_host(host, settings.allowed_hosts, own):
            raise HostDenied(_what_to_set(host))


def own_names(settings: Settings) -> frozenset[str]:
    """Return the machine's name, and the names that the server listens on."""
    listening = (settings.host, *(address.rpartition(":")[0] for address in settings.bind))
    return frozenset(map(host_name, (socket.gethostname(), *listening))) - {""}


def _is_foreign(browser: BrowserOrigin) -> bool:
    """Return whether a page of another origin makes a browser send this.

    Pages of this server and of this machine are not foreign. A link or a picture has no origin.
    """
    if not browser.origin:
        return browser.site == "cross-site"
    if browser.site == "same-origin":  # even if a proxy has changed Host
        return False
    netloc = browser.origin.partition("://")[2]
    return not is_loopback(host_name(netloc)) and not any(_is_same(netloc, host) for host in browser.names)


def _is_same(netloc: str, host: str) -> bool:
    """Compare an origin with a Host; a proxy may have dropped the port from it."""
    if ":" in host.rpartition("]")[2]:
        return netloc.lower() == host.lower()
    return host_name(host) == host_name(netloc) != ""


def _what_to_set(host: str) -> str:
    name = (host_name(host) or host)[:LONGEST_NAME]
    return (
        f"This server does not know the name '{name}' as its own. If it is, its operator adds it to the "
        f"setting `allowed_hosts` (GOVOR_ALLOWED_HOSTS={name}), or has the server ask for keys "
        "(GOVOR_API_KEYS)."
    )
