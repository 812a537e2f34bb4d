"""Client, host and scheme of a request, as reverse proxies report them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STANDARD = b"forwarded"
OTHERS = (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto")

LONGEST = 2_000
"""Most characters of `Forwarded`: a proxy writes about a hundred."""

TOKEN, QUOTED = r"(?<![^\s;,=\"])[^\s;,=\"]++", r'"(?:[^"\\]++|\\.)*+"'
PAIR = re.compile(rf"({TOKEN})=({QUOTED}|[^;,\"]*+)")
ELEMENT = re.compile(rf"(?:{QUOTED}|[^,\"]++)++")
"""RFC 7239, 4: elements between commas, in them pairs between semicolons; a value may be quoted."""
CLOSED = re.compile(rf"(?:{QUOTED}|[^\"]++)*+")
"""All text before an unclosed quote; behind it, a search for each closing quote would run to the end."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One proxy's report on its client; "" if it does not say."""

    client: str = ""
    """An address, maybe with a port, or a made-up name: it is not checked."""
    host: str = ""
    proto: str = ""


def outermost_hop(headers: Iterable[tuple[bytes, bytes]], proxies: int) -> Hop:
    """Return the report of the outermost of so many proxies: each appends its own, or none does.

    `Forwarded` counts only if there is no X-Forwarded-…: proxies write one or the other, and pass on the one
    that the client sent. A `Forwarded` longer than LONGEST is ignored.
    """
    if not proxies:
        return Hop()
    given: dict[bytes, list[str]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(header_text(value))
    if STANDARD in given and given.keys().isdisjoint(OTHERS):
        if sum(map(len, given[STANDARD])) > LONGEST:
            return Hop()
        elements = [element for value in given[STANDARD] for element in _elements(value)]
        return _read(_outermost(elements, proxies))
    values = (",".join(given.get(name, ())).split(",") for name in OTHERS)
    return Hop(*(_outermost(value, proxies) for value in values))


def header_text(value: bytes) -> str:
    """Decode UTF-8, else Latin-1: some programs send names in UTF-8 unencoded."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _elements(value: str) -> list[str]:
    closed = CLOSED.match(value)
    end = closed.end() if closed else 0
    found: list[str] = ELEMENT.findall(value[:end] + value[end:].replace('"', ","))
    return found


def _outermost(values: Iterable[str], proxies: int) -> str:
    hops = [hop for hop in map(str.strip, values) if hop]
    return hops[max(len(hops) - proxies, 0)] if hops else ""


def _read(element: str) -> Hop:
    pairs = {name.lower(): _unquoted(value.strip()) for name, value in PAIR.findall(element)}
    return Hop(pairs.get("for", ""), pairs.get("host", ""), pairs.get("proto", ""))


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
