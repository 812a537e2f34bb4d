"""Corrects paths without a route: doubled slashes, base URLs with missing or extra parts.

Runs before routing, so that limits, keys and metrics see one spelling only. The path of a route, with
any method, is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map

ANY_METHOD = ""

BASES = frozenset({"api", "v1", "openai"})
"""Parts of base URLs that services of this API have, in any order and number."""

ENDPOINTS = frozenset(
    {"audio", "transcriptions", "translations", "transcribe", "stream", "inference", "asr", "detect-language"}
)
"""Parts of addresses that people paste whole into a field for the base URL."""

UNSERVED = re.compile(r"/(docs|openapi\.json|metrics|favicon\.ico)(/.*)?")
"""Routes with one path only: people and the operator's machines use them."""

MOST_PARTS = 12
"""Most parts of a path that are tried as parts of a base URL: each costs a search of the routes."""


class Paths:
    """Finds paths among the routes of one application, later routes included."""

    def __init__(self, routes: Map):
        self._routes = routes.bind("localhost")

    def spelled(self, path: str, method: str) -> str:
        """Return the path of the intended route; if there is none, the path with single slashes."""
        path = re.sub(r"/{2,}", "/", path)
        path = path.rstrip("/") or "/"  # else a final slash would be part of a model's name
        if self._has(path):
            return path
        for before, meant in _readings(path):
            if before <= BASES | ENDPOINTS and not UNSERVED.fullmatch(meant) and self._has(meant, method):
                return meant
        return path

    def nearest(self, path: str, method: str) -> str:
        """Return the path of a route for the end of this path, with anything before it; "": there is none."""
        return next((meant for _, meant in _readings(path) if self._has(meant, method)), "")

    def _has(self, path: str, method: str = ANY_METHOD) -> bool:
        try:
            self._routes.match(path, method or "GET")
        except MethodNotAllowed:
            return not method
        except NotFound:
            return False
        return True


def _readings(path: str) -> Iterator[tuple[set[str], str]]:
    """Yield sets of parts left out at the beginning of a path, each with a path that the rest may mean.

    The fewest parts are left out first. Of two bases the last one counts: the client wrote it itself.
    """
    parts = path.split("/")[1:]
    for count in range(min(len(parts), MOST_PARTS)):
        before, rest = set(parts[:count]), "/" + "/".join(parts[count:])
        yield before, "/v1" + rest
        if count:
            yield before, rest
