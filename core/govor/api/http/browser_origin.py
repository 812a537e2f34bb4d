"""What a browser tells of the page that sends a request; used while no key is asked. Programs tell nothing.

Two kinds of pages are kept out: those of other origins, and those of this one whose name is a stranger's that
was turned to this machine meanwhile (DNS rebinding).
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
"""Letters of a client's name for the server that are told and logged."""


@dataclass(frozen=True, slots=True)
class BrowserOrigin:
    """The headers of a request that tell from which page it comes, and what that page calls the server."""

    hosts: tuple[str, ...]
    """Host; with HTTP/2 there may be several."""
    forwarded: str
    """What a trusted proxy was called; "" where there is none, or it does not say."""
    is_encrypted: bool
    """A trusted proxy was asked over TLS."""
    origin: str
    site: str
    """Sec-Fetch-Site. No page can set it, and browsers send it only over TLS or to loopback (W3C Fetch
    Metadata: to potentially trustworthy URLs): to a name that was turned they do not."""

    @classmethod
    def of(cls, headers: Sequence[tuple[bytes, bytes]], proxies: int) -> BrowserOrigin:
        """Read them; of X-Forwarded-… and Forwarded as much is believed as there are proxies."""
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
        """All that the server is called."""
        return (*self.hosts, self.forwarded) if self.forwarded else self.hosts


def check_visit(visit: BrowserOrigin, settings: Settings) -> None:
    """Raise OriginDenied or HostDenied for what a stranger's page has a browser send."""
    if EVERYBODY in settings.allow_origins or (
        visit.origin and is_listed(visit.origin, settings.allow_origins)
    ):
        return
    if _is_foreign(visit):
        raise OriginDenied(
            "Pages of this origin may not use the server while it asks for no key; `allow_origins` names who "
            "may."
        )
    if visit.site or (visit.is_encrypted and visit.origin.lower().startswith("https://")):
        return  # the browser has seen the certificate of the name, and no stranger has that
    own = own_names(settings)
    for host in visit.hosts if visit.is_encrypted else visit.names:
        if not is_allowed_host(host, settings.allowed_hosts, own):
            raise HostDenied(_what_to_set(host))


def own_names(settings: Settings) -> frozenset[str]:
    """Return the machine's name, and those that the server was told to listen on."""
    told = (settings.host, *(address.rpartition(":")[0] for address in settings.bind))
    return frozenset(map(host_name, (socket.gethostname(), *told))) - {""}


def _is_foreign(visit: BrowserOrigin) -> bool:
    """Tell whether a page of another origin makes a browser send this.

    Pages of this server and of this machine are no strangers. Without an origin it is a link or a picture.
    """
    if not visit.origin:
        return visit.site == "cross-site"
    if visit.site == "same-origin":  # whatever a proxy has made of Host
        return False
    netloc = visit.origin.partition("://")[2]
    return not is_loopback(host_name(netloc)) and not any(_is_same(netloc, host) for host in visit.names)


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
