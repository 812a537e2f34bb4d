"""Pages of other origins: which may use the API from a browser, and that no other makes it work."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from govor.api.uploads import Scope, Send
from govor.engine.service import Service

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, of requests without a body."""

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
METHODS = b"GET, POST, DELETE, OPTIONS"
EXPOSED = (
    b"x-request-id, x-govor-model, x-govor-ignored, x-stt-ignored, location, content-disposition, "
    b"retry-after, retry-after-ms, x-should-retry"  # without these a page's SDK repeats what cannot succeed
)
MOST_SECONDS = b"600"

Headers = list[tuple[bytes, bytes]]


class CrossOrigin:
    """Applies `allow_origins`. The browser enforces it; nothing here replaces a key."""

    def __init__(self, service: Service):
        self._service = service

    async def preflight(self, scope: Scope, send: Send) -> bool:
        """Answer a browser that asks whether it may; tell whether this was one."""
        given = _headers(scope)
        asked = scope["method"] == "OPTIONS" and b"access-control-request-method" in given
        if not asked or not self._service.settings.allow_origins or b"origin" not in given:
            return False
        headers: Headers = [(b"content-length", b"0")]
        if self._allowed(given[b"origin"]):
            headers += [
                (b"access-control-allow-methods", METHODS),
                (b"access-control-allow-headers", given.get(b"access-control-request-headers", b"*")),
                (b"access-control-max-age", MOST_SECONDS),
            ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return True

    def headers(self, scope: Scope) -> Headers:
        """Return what the answer to a request says of its page's origin."""
        origins = self._service.settings.allow_origins
        if not origins:
            return []
        vary = [] if "*" in origins else [(b"vary", b"origin")]
        origin = _headers(scope).get(b"origin")
        if origin is None or not self._allowed(origin):
            return vary
        shown = b"*" if "*" in origins else origin
        return [
            *vary,
            (b"access-control-allow-origin", shown),
            (b"access-control-expose-headers", EXPOSED),
        ]

    def _allowed(self, origin: bytes) -> bool:
        return is_listed(origin.decode("latin-1"), self._service.settings.allow_origins)


def is_listed(origin: str, origins: Sequence[str]) -> bool:
    """Tell whether the operator lets pages of this origin in."""
    return "*" in origins or origin.lower() in (listed.rstrip("/").lower() for listed in origins)


def is_foreign(method: str, origin: str, host: str, origins: Sequence[str]) -> bool:
    """Tell whether a page of somebody else's makes a browser send this: it would work without a word.

    Pages of this server and of this machine are no strangers; programs send no origin.
    """
    if method in SAFE or not origin or is_listed(origin, origins):
        return False
    try:
        parts = urlsplit(origin)
        return parts.netloc.lower() != host.lower() and parts.hostname not in LOCAL
    except ValueError:
        return True


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope["headers"]}
