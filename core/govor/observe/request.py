"""One HTTP request and its answer, as observers see it."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
CLIENT_LEFT = 499
"""Status of a request whose client did not wait for the answer."""

DIALECTS = (
    ("/v1/transcribe", "gigastt"),
    ("/api/v1", "go-whisper"),
    ("/api/ps", "speaches"),
    ("/asr", "whisper-asr"),
    ("/detect-language", "whisper-asr"),
    ("/inference", "whisper.cpp"),
    ("/load", "whisper.cpp"),
    ("/openai/deployments", "azure"),
    ("/v1/audio", "openai"),
    ("/v1/models", "openai"),
)
"""The server that a route's prefix belongs to; all other routes are Govor's own."""

PROBES = ("/health", "/ready", "/readyz", "/health/ready", "/v1/health", "/v1/ping", "/metrics")
"""Routes that machines poll every few seconds: they are not logged at level info, and a shutdown does not
wait for them.
"""


@dataclass(slots=True, eq=False)
class RequestRecord:
    """One request. Unknown values are empty."""

    id: str
    client: str
    """Address of the client, from trusted proxies if there are any."""
    method: str
    path: str
    parent: str = ""
    """The header traceparent."""
    route: str = ""
    """The route's template, as in /v1/models/<path:name>; empty: no route matches."""
    status: int = CLIENT_LEFT
    departed: bool = False
    """The connection has ended."""
    answered: bool = False
    """All of the answer was sent."""
    code: str = ""
    """Code of the error in the answer."""
    key: str = ""
    """Name of the request's key; empty: the key has no name, or no key is required."""
    model: str = ""
    audio_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    """Seconds from request to answer; None: it is in progress."""
    span: Any = None

    @property
    def verb(self) -> str:
        """The method, or "other" if HTTP does not define it."""
        return self.method if self.method in METHODS else "other"

    @property
    def template(self) -> str:
        """The route with its parts named as in /openapi.json; "unmatched" if there is none."""
        return self.route.replace("<path:", "{").replace("<", "{").replace(">", "}") or "unmatched"

    @property
    def dialect(self) -> str:
        """The API that the route belongs to."""
        route = f"{self.route}/"
        return next((name for start, name in DIALECTS if route.startswith(f"{start}/")), "govor")

    @property
    def is_probe(self) -> bool:
        """Whether it asks for the server's health."""
        return self.route.removeprefix("/api") in PROBES


CURRENT: ContextVar[RequestRecord | None] = ContextVar("request", default=None)
"""The request that the code works for."""


def current() -> RequestRecord | None:
    """Return the current request; None outside of one, and in tasks that outlive it."""
    record = CURRENT.get()
    return record if record is not None and record.seconds is None else None
