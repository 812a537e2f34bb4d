"""Bearer keys, compared in constant time. Health and readiness stay open: probes carry no key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from quart import Quart, request

from govor.errors import Unauthorized

OPEN_PATHS = frozenset(
    {"/health", "/v1/health", "/api/v1/health", "/v1/ping", "/api/v1/ping"}
    | {"/ready", "/readyz", "/health/ready", "/openapi.json", "/docs"}
)
OPEN_PREFIX = "/docs/"


def given_key() -> str:
    """The key that the request carries; "" without one."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def require_key(app: Quart, keys: Sequence[str]) -> None:
    """Ask for one of `keys` on every route but the open ones; no keys: ask nothing."""
    if not keys:
        return
    known = [key.encode() for key in keys]

    @app.before_request
    async def check_key() -> None:
        if (
            request.path.rstrip("/") in OPEN_PATHS
            or request.path.startswith(OPEN_PREFIX)
            or request.method == "OPTIONS"
        ):
            return
        given = given_key()
        if not given:
            raise Unauthorized("You did not provide an API key: send the header 'Authorization: Bearer KEY'.")
        matches = [hmac.compare_digest(given.encode("latin-1"), key) for key in known]
        if not any(matches):
            raise Unauthorized("Incorrect API key provided.")


def client_name(*, keyed: bool) -> str:
    """Who asks, for the limits of one client: a hash of the key where keys are asked, else the address."""
    if not keyed:  # else a client could have as many names as it likes
        return request.remote_addr or ""
    return hashlib.sha256(request.headers.get("Authorization", "").encode("latin-1")).hexdigest()
