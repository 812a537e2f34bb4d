"""What a path means that no route has: doubled slashes, base URLs with too little or too much.

Runs before routing, so that limits, keys and figures see one spelling only. A path that a route has, by
whichever method, is never changed.
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
"""Parts of addresses that people paste whole where a base URL is asked for."""

UNSERVED = re.compile(r"/(docs|openapi\.json|metrics|favicon\.ico)(/.*)?")
"""Routes that have one path only: they are for people and for machines of the operator."""

MOST_PARTS = 12
"""Parts of a path that are tried as parts of a base URL: each costs a search of the routes."""


class Paths:
    """Knows the routes of one application, those included that are added later."""

    def __init__(self, routes: Map):
        self._routes = routes.bind("localhost")

    def spelled(self, path: str, method: str) -> str:
        """Return the path of the route that is meant; without one only the slashes are tidied up."""
        path = re.sub(r"/{2,}", "/", path)
        path = path.rstrip("/") or "/"  # a slash at the end would belong to the name of a model
        if self._has(path):
            return path
        for before, meant in _readings(path):
            if before <= BASES | ENDPOINTS and not UNSERVED.fullmatch(meant) and self._has(meant, method):
                return meant
        return path

    def nearest(self, path: str, method: str) -> str:
        """Return the path of a route for the end of this path, whatever is before it; "": there is none."""
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
    """Yield the parts that are left out at the beginning of a path, and what the rest may mean.

    The least is left out first. Of two bases the last one counts: the client wrote it itself.
    """
    parts = path.split("/")[1:]
    for count in range(min(len(parts), MOST_PARTS)):
        before, rest = set(parts[:count]), "/" + "/".join(parts[count:])
        yield before, "/v1" + rest
        if count:
            yield before, rest
