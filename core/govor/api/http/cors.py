"""Cross-origin headers (CORS): which other origins' pages may use the API."""

from __future__ import annotations

from govor.api.body.uploads import Scope, Send
from govor.engine.service import Service
from govor.settings.origins import EVERYBODY, is_listed

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing; their requests have no body."""

METHODS = b"GET, POST, DELETE, OPTIONS"
EXPOSED = (
    b"x-request-id, x-govor-model, x-govor-ignored, x-stt-ignored, x-govor-warnings, "
    b"location, content-disposition, "
    b"retry-after, retry-after-ms, x-should-retry"  # without these an SDK in a page retries without success
)
MOST_SECONDS = b"600"

Headers = list[tuple[bytes, bytes]]


class CrossOrigin:
    """Applies `allow_origins`. The browser enforces it; nothing here replaces a key."""

    def __init__(self, service: Service):
        self._service = service

    async def preflight(self, scope: Scope, send: Send) -> bool:
        """Answer a preflight request; return whether this was one."""
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
            if b"access-control-request-private-network" in given:
                headers.append((b"access-control-allow-private-network", b"true"))
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return True

    def headers(self, scope: Scope) -> Headers:
        """Return the headers for an answer, by the origin of the request."""
        origins = self._service.settings.allow_origins
        if not origins:
            return []
        vary = [] if EVERYBODY in origins else [(b"vary", b"origin")]
        origin = _headers(scope).get(b"origin")
        if origin is None or not self._allowed(origin):
            return vary
        shown = b"*" if EVERYBODY in origins else origin
        return [
            *vary,
            (b"access-control-allow-origin", shown),
            (b"access-control-expose-headers", EXPOSED),
        ]

    def _allowed(self, origin: bytes) -> bool:
        return is_listed(origin.decode("latin-1"), self._service.settings.allow_origins)


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope["headers"]}
