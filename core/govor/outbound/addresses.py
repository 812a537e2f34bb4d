"""Check addresses of outgoing requests. A name is resolved once, and the checked address is called."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from govor.errors import InvalidParam, UrlFailed, UrlNotAllowed
from govor.outbound.public_networks import is_public

PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8_000


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of an http or https URL."""

    text: str
    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as in the request line."""

    def joined(self, location: str, param: str) -> Url:
        """Return the target of a redirection. Raises UrlFailed."""
        try:
            return parse_url(urljoin(self.text, location), param)
        except (InvalidParam, ValueError) as error:
            raise UrlFailed(
                f"The redirection from {self.host} cannot be followed: it is no http or https URL.",
                param=param,
            ) from error


def parse_url(text: str, param: str) -> Url:
    """Parse a URL. Raises InvalidParam, which names the field `param`."""
    wrong = InvalidParam(f"'{param}' must be an http or https URL without a user name.", param=param)
    if len(text) > LONGEST_URL or any(not letter.isprintable() or letter.isspace() for letter in text):
        raise wrong
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        usual = PORTS[parts.scheme]
        port = parts.port or usual
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        target.encode("ascii")
    except (ValueError, KeyError) as error:  # UnicodeError is a ValueError
        raise wrong from error
    if not host or "@" in parts.netloc:
        raise wrong
    return Url(text, parts.scheme, host, port, target if target.startswith("/") else f"/{target}")


def check_policy(param: str, policy: str, *, offline: bool) -> None:
    """Raise UrlNotAllowed if the operator allows no addresses at all."""
    for name, forbids in ((f"{param}s", policy == "off"), ("offline", offline)):
        if forbids:
            value = "off" if name != "offline" else "on"
            raise UrlNotAllowed(f"'{param}' is not taken here: the setting '{name}' is {value}.", param=param)


def resolve(url: Url, *, private: bool, param: str) -> list[str]:
    """Return the addresses of the host, best first; blocks. Raises UrlFailed, UrlNotAllowed.

    Unless `private` is set, a single address that is not public is enough to refuse the host.
    """
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UrlFailed(f"'{param}': the host '{url.host}' is not known.", param=param) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not private and not all(is_public(address) for address in addresses):
        raise UrlNotAllowed(
            f"'{param}': the host '{url.host}' is not on the public internet; the setting '{param}s' "
            'must be "any" for that.',
            param=param,
        )
    return addresses
