"""The access log: a line for every request that is answered."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from govor.observe.request import Exchange

LONGEST_PATH = 200

log = logging.getLogger("govor.access")


def log_exchange(exchange: Exchange) -> None:
    """Write a line on a request that is answered. Its query is left out: there may be a key in it."""
    path = quote(exchange.path, safe="/:@!$&'()*+,;=-._~")[:LONGEST_PATH]
    fields: dict[str, Any] = {
        "request_id": exchange.id,
        "client": exchange.client,
        "method": exchange.verb,
        "path": path,
        "route": exchange.template,
        "status": exchange.status,
        "seconds": round(exchange.seconds or 0.0, 3),
    }
    text = f"{exchange.client} {exchange.verb} {path} {exchange.status} in {exchange.seconds or 0.0:.3f} s"
    if exchange.code:
        fields["code"] = exchange.code
        text += f", {exchange.code}"
    if exchange.key:
        fields["key"] = exchange.key
        text += f", key {exchange.key}"
    if exchange.model:
        fields["model"] = exchange.model
        text += f", {exchange.model}"
    if exchange.audio_seconds:
        fields["audio_seconds"] = round(exchange.audio_seconds, 3)
        text += f", {exchange.audio_seconds:.1f} s of audio"
    level = logging.DEBUG if exchange.is_probe and exchange.status < 500 else logging.INFO
    log.log(level, "%s, id %s", text, exchange.id, extra={"fields": fields})
