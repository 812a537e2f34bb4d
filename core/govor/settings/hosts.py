"""Host names that a server without keys answers to: a guard against DNS rebinding.

If an attacker's domain suddenly resolves to this machine, the browser still takes the page for the attacker's
own site and lets it read the answers. Only the name in the Host header gives it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from govor.settings.values import split

LOCAL_ENDINGS = ("localhost", "local", "internal", "home.arpa")
"""Endings that nobody can register: RFC 6761, RFC 6762, ICANN's resolution 2024.07.29.06, RFC 8375."""

AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::\d*)?")
"""RFC 9110, 7.2: Host = uri-host [ ":" port ]."""

NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
PATTERN = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def host_name(host: str) -> str:
    """Return the name or address of a Host header: without port, brackets and final dot, in lower case.

    Names beyond ASCII are returned as browsers send them (xn--…); "" if the header has no valid name.
    """
    found = AUTHORITY.fullmatch(host.strip())
    name = found[1].strip("[]").rstrip(".").lower() if found else ""
    if not name.isascii():
        try:
            return name.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return name


def is_loopback(name: str) -> bool:
    """Tell whether a name or an address always means the machine that sends the request."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def cannot_be_rebound(name: str) -> bool:
    """Tell whether DNS rebinding cannot use this name.

    An address is not resolved, so its target cannot be changed. A name without a dot cannot be registered
    (ICANN's resolution of 13 August 2013 forbids them); services of Docker and Kubernetes and machines in
    home networks have such names. Vite accepts all addresses, Ollama the local endings, for the same reasons.
    Neither rule helps in a network whose name server is hostile: only a key does.
    """
    try:
        return bool(ip_address(name))
    except ValueError:
        return bool(NAME.fullmatch(name)) and ("." not in name or name.endswith(_ENDINGS))


def is_allowed_host(host: str, allowed: Iterable[str], own: Iterable[str] = ()) -> bool:
    """Tell whether the server answers to a Host header; browsers always send one, so an absent one passes."""
    if not host.strip():
        return True
    name = host_name(host)
    return cannot_be_rebound(name) or name in own or any(_matches(pattern, name) for pattern in allowed)


def _matches(pattern: str, name: str) -> bool:
    if pattern == "*":
        return True
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


@lru_cache(256)
def _checked(given: str) -> str:
    """Return a pattern in the form in which names are compared. Raises ValueError if it could match none."""
    start = "*." if given.startswith("*.") else ""
    pattern = start + host_name(given.removeprefix(start)) if ":" not in given else ""
    if not PATTERN.fullmatch(pattern):
        raise ValueError(
            f"'{given}' is the name of no host; write names without scheme and port, as in stt.example.org, "
            "*.example.org or *"
        )
    return pattern


_ENDINGS = tuple(f".{ending}" for ending in LOCAL_ENDINGS)

HostNames = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(split),
    AfterValidator(lambda given: tuple(map(_checked, given))),
]
"""Names, *.names and "*"."""
