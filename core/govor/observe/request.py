"""One HTTP request and its answer, as those see it who look on."""

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
"""Whose API a route is, by how it begins; all others are Govor's own."""

PROBES = ("/health", "/ready", "/readyz", "/health/ready", "/v1/health", "/v1/ping", "/metrics")
"""Routes that machines ask every few seconds: they are not worth a line in the log, nor waited for."""


@dataclass(slots=True, eq=False)
class Exchange:
    """One request. What is not known yet is empty."""

    id: str
    client: str
    """Address of who sent it, as far as proxies are believed."""
    method: str
    path: str
    parent: str = ""
    """The header traceparent."""
    route: str = ""
    """The route's template, as in /v1/models/<path:name>; empty: there is none."""
    status: int = CLIENT_LEFT
    departed: bool = False
    """The connection has ended."""
    answered: bool = False
    """All of the answer was sent."""
    code: str = ""
    """Of the error that was answered."""
    key: str = ""
    """Name of the key that it was sent with; empty: that has none, or none is asked."""
    model: str = ""
    audio_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    """How long it took; None: it is under way."""
    span: Any = None

    @property
    def verb(self) -> str:
        """The method, or "other" where it is none that HTTP knows."""
        return self.method if self.method in METHODS else "other"

    @property
    def template(self) -> str:
        """The route with its parts named as in /openapi.json; "unmatched" where there is none."""
        return self.route.replace("<path:", "{").replace("<", "{").replace(">", "}") or "unmatched"

    @property
    def dialect(self) -> str:
        """Whose API it was asked in."""
        route = f"{self.route}/"
        return next((name for start, name in DIALECTS if route.startswith(f"{start}/")), "govor")

    @property
    def is_probe(self) -> bool:
        """It asks how the server is."""
        return self.route.removeprefix("/api") in PROBES


CURRENT: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The request that the code works for."""


def current() -> Exchange | None:
    """The request under way; None outside of one, and in what goes on after it."""
    exchange = CURRENT.get()
    return exchange if exchange is not None and exchange.seconds is None else None
