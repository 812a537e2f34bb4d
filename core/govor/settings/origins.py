"""Patterns of origins whose pages may use the API in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from govor.settings.values import split

EVERYBODY = "*"
OPAQUE = "null"
"""The origin that browsers send for files and sandboxed frames."""

PATTERN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\*|(?:\*\.)?[^\s/?#@:*\[\]]+|\[[0-9a-f:.]+\]|)(?::(?P<port>\d+|\*))?/?"
)
USUAL_PORTS = {"http": "80", "https": "443"}
"""Ports that browsers leave out of an origin: RFC 6454, 6.1."""


@lru_cache(256)
def _compiled(given: str) -> re.Pattern[str]:
    """Return an expression for the origins that a pattern means. Raises ValueError if it could match none."""
    if given == EVERYBODY:
        return re.compile(".*")
    if given.lower() == OPAQUE:
        return re.compile(OPAQUE)
    found = PATTERN.fullmatch(given.lower())
    if not found or (not found["host"] and found["scheme"] in USUAL_PORTS):
        raise ValueError(
            f"'{given}' is no origin; write https://app.example, https://*.app.example, "
            "http://app.example:*, chrome-extension://* or *"
        )
    port = found["port"]
    if found["host"] == EVERYBODY:
        host = r"[^/:]*" if port else r"[^/]*"
    else:
        name = found["host"].removeprefix("*.")
        if not name.isascii():
            name = name.encode("idna").decode("ascii")  # UnicodeError is a ValueError
        host = (r"[^/:@]+\." if found["host"].startswith("*.") else "") + re.escape(name)
    if port == EVERYBODY:
        port = r"(:\d+)?"
    else:
        port = "" if port in (None, USUAL_PORTS.get(found["scheme"])) else f":{port}"
    return re.compile(f"{re.escape(found['scheme'])}://{host}{port}")


def is_listed(origin: str, origins: Iterable[str]) -> bool:
    """Tell whether pages of this origin may use the API."""
    return any(_compiled(listed).fullmatch(origin.lower()) for listed in origins)


def _check(given: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in given:
        _compiled(pattern)
    return given


Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_check)]
"""Patterns of origins, and "*"."""
