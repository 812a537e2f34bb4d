"""Access to routes: rate limits, origins, keys. Health and readiness stay open: probes carry no key."""

from __future__ import annotations

import hashlib
import math
from ipaddress import IPv6Address, ip_address

from quart import Quart, request

from govor.api.http.browser_origin import BrowserOrigin, check_origin
from govor.api.http.cors import SAFE
from govor.api.http.rate_limit import TokenBuckets
from govor.api.http.request_context import annotate
from govor.api.response.declared_errors import Kinds
from govor.engine.service import Service
from govor.errors import (
    AdminRequired,
    HostDenied,
    OriginDenied,
    RateLimited,
    ShuttingDown,
    Unauthorized,
)
from govor.observe.request import CURRENT

OPEN_PATHS = frozenset(
    {"/health", "/v1/health", "/api/v1/health", "/v1/ping", "/api/v1/ping"}
    | {"/ready", "/readyz", "/health/ready", "/openapi.json", "/docs", "/favicon.ico"}
)
OPEN_PREFIX = "/docs/"
MANAGED = ("/v1/models", "/api/v1/models", "/api/ps", "/v1/storage", "/load")
"""Prefixes of routes that change which models there are, if the method is not a safe one."""


class AccessGuard:
    """Checks each request before its route runs, the cheapest check first."""

    def __init__(self, service: Service):
        self._service = service
        self._by_address, self._by_key = TokenBuckets(), TokenBuckets()

    async def check(self) -> None:
        """Raise ShuttingDown, RateLimited, Unauthorized, OriginDenied, HostDenied or AdminRequired."""
        rule = request.url_rule
        annotate(route=rule.rule if rule else "")
        self._count_out_probes()
        if is_open():
            return
        service, settings = self._service, self._service.settings
        if service.in_flight.draining and request.method not in SAFE:
            raise ShuttingDown("The server is stopping and takes no more work.")
        self._limit(
            self._by_address, _network(request.remote_addr or ""), settings.rate_limit_per_ip, "address"
        )
        if service.keys.asked:
            check_key(service)
            self._limit(self._by_key, given_key(), settings.rate_limit_per_key, "key")
        else:
            check_origin(BrowserOrigin.of(list(request.scope["headers"]), settings.trusted_proxies), settings)
        if service.keys.separate_admin and changes_models(request.method, rule.rule if rule else ""):
            check_admin(service)

    def _count_out_probes(self) -> None:
        record = CURRENT.get()
        if record is not None and record.is_probe:
            self._service.in_flight.exit(record)  # a probe does not delay the shutdown

    def _limit(self, buckets: TokenBuckets, client: str, per_minute: float, what: str) -> None:
        if not per_minute:
            return
        wait = buckets.take(client, per_minute, self._service.settings.rate_limit_burst)
        if wait:
            raise RateLimited(
                f"This {what} may send {per_minute:g} requests a minute; come back in {math.ceil(wait)} s.",
                retry_after=wait,
            )


def guard(app: Quart, service: Service) -> None:
    """Check every request of an application."""
    app.before_request(AccessGuard(service).check)


def is_open() -> bool:
    """Return whether the request needs no key and has no limits."""
    if request.path == "/":
        return wants_page()
    return request.path in OPEN_PATHS or request.path.startswith(OPEN_PREFIX) or request.method == "OPTIONS"


def wants_page() -> bool:
    """Return whether a browser asks for a page: programs do not accept HTML by name."""
    return "text/html" in request.headers.get("Accept", "")


def changes_models(method: str, path: str) -> bool:
    """Return whether requests of a route change which models there are."""
    return method not in SAFE and any(f"{path}/".startswith(f"{start}/") for start in MANAGED)


def guard_errors(method: str, path: str) -> Kinds:
    """Return the errors that `AccessGuard` can raise before a route runs."""
    if path in OPEN_PATHS:
        return ()
    stopping = (ShuttingDown,) if method not in SAFE else ()
    managed = (AdminRequired,) if changes_models(method, path) else ()
    return (RateLimited, Unauthorized, OriginDenied, HostDenied, *stopping, *managed)


def given_key() -> str:
    """Return the request's key: a Bearer token, X-API-Key or Azure's api-key; "" if there is none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    return (request.headers.get("X-API-Key", "") or request.headers.get("api-key", "")).strip()


def check_key(service: Service) -> None:
    """Raise Unauthorized if the request has no valid key."""
    given = given_key()
    if not given:
        raise Unauthorized(
            "You did not provide an API key: send the header 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
        )
    if not service.keys.opens(_bytes(given)):
        raise Unauthorized("Incorrect API key provided.")
    annotate(key=service.keys.name_of(_bytes(given)))


def check_admin(service: Service) -> None:
    """Raise AdminRequired if the request has another key than the administrator's, Unauthorized if none."""
    if is_admin(service):
        return
    if not given_key():
        raise Unauthorized("This needs the administrator's key: send the header 'Authorization: Bearer KEY'.")
    raise AdminRequired("This needs the administrator's key (admin_key).")


def is_admin(service: Service) -> bool:
    """Return whether the request has the administrator's key."""
    return service.keys.manages(_bytes(given_key()))


def client_name(*, keyed: bool) -> str:
    """Name the client, for limits per client: a hash of its key if keys are asked for, else its address."""
    if not keyed:  # else a client could take as many names as it likes
        return request.remote_addr or ""
    return hashlib.sha256(_bytes(given_key())).hexdigest()


def _bytes(key: str) -> bytes:
    """Return the key's bytes as sent: the server decodes headers as Latin-1."""
    return key.encode("latin-1", "surrogateescape")


def _network(address: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 one: one household has 2^64 addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address
