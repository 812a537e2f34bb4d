"""Settings of running a server: access, limits, connections, metrics and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings

from govor.settings.hosts import HostNames
from govor.settings.keys import ApiKeys
from govor.settings.origins import Origins
from govor.settings.values import LogLevel, expand, lower

MetricsChoice = Annotated[Literal["off", "main", "separate"], BeforeValidator(lower)]


class OperationsSettings(BaseSettings):
    """The part of `Settings` that concerns the operation of the server."""

    api_keys: ApiKeys = Field(
        (),
        description="Bearer keys, comma-separated; any of them opens the API. A key may have a name for logs "
        "and metrics, as in phone = KEY, or in a table. Empty: no key is asked.",
    )
    api_keys_file: Annotated[Path | None, BeforeValidator(expand)] = Field(
        None, description="File of further keys, one per line, KEY or NAME = KEY; read again when it changes."
    )
    admin_key: str = Field(
        "",
        description="Key that opens everything; to fetch, load, unload or delete models, a client needs it. "
        "Empty: any client that may transcribe may do that too.",
    )
    allowed_hosts: HostNames = Field(
        (),
        description="Further names that the server answers to while it asks for no key, as in "
        'stt.example.org or *.example.org; "*": all. Addresses, names without a dot and local ones need not '
        "be named.",
    )
    allow_origins: Origins = Field(
        (),
        description="Origins whose pages may use the API in a browser, as in https://app.example, "
        'https://*.app.example or chrome-extension://*; "*": all.',
    )
    rate_limit_per_key: float = Field(
        0, ge=0, allow_inf_nan=False, description="Requests that one key may send in a minute. 0: no limit."
    )
    rate_limit_per_ip: float = Field(
        0,
        ge=0,
        allow_inf_nan=False,
        description="Requests that one address may send in a minute. 0: no limit.",
    )
    rate_limit_burst: int = Field(
        10, ge=1, description="Requests that a client may send at once before a rate limit applies."
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        description="How many reverse proxies stand before the server: so many values of X-Forwarded-For, "
        "-Host and -Proto, or of Forwarded, from the right, are believed.",
    )
    body_timeout: float = Field(
        60,
        ge=0,
        allow_inf_nan=False,
        description="Seconds without a byte of a request's body after which it gets 408. 0: never.",
    )
    body_min_rate: float = Field(
        240,
        ge=0,
        allow_inf_nan=False,
        description="Bytes per second of a request's body, on the average and after a minute's grace; a "
        "slower one gets 408. 0: as slowly as it likes.",
    )
    send_timeout: float = Field(
        120,
        ge=0,
        allow_inf_nan=False,
        description="Seconds after which a client that takes nothing of its answer is cut off (Linux only). "
        "0: never.",
    )
    idle_timeout: float = Field(
        75,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a connection stays open between two requests. Longer than the reverse "
        "proxy keeps its end, or it will use one that has just been closed.",
    )
    http2: bool = Field(
        True, description="Speak HTTP/2 to clients that begin with it (prior knowledge), beside HTTP/1.1."
    )
    drain_seconds: float = Field(
        10,
        ge=0,
        allow_inf_nan=False,
        description="Seconds that requests in progress have to end when the server is asked to stop.",
    )
    metrics: MetricsChoice = Field(
        "off",
        description="Prometheus metrics: off, main (/metrics beside the API), separate (at metrics_bind, "
        "without a key).",
    )
    metrics_bind: str = Field(
        "127.0.0.1:9090", description="Address of separate metrics: HOST:PORT or a port."
    )
    metrics_gigastt: bool = Field(False, description="Give metrics under gigastt's names too.")
    access_log: bool = Field(
        True, description="Log every request when it is answered; probes at level debug only."
    )
    log_json: bool = Field(False, description="Log one JSON object per line.")
    log_level: LogLevel = Field("info", description="debug, info, warning or error.")
