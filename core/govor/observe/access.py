"""The access log, and the log's form: a line for people, or one JSON object for machines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from govor.observe.exchange import Exchange, current

LONGEST_PATH = 200

log = logging.getLogger("govor.access")


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, message, request_id, and what the record adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line."""
        exchange = current()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if exchange is not None:
            line["request_id"] = exchange.id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


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
    if exchange.model:
        fields["model"] = exchange.model
        text += f", {exchange.model}"
    if exchange.audio_seconds:
        fields["audio_seconds"] = round(exchange.audio_seconds, 3)
        text += f", {exchange.audio_seconds:.1f} s of audio"
    level = logging.DEBUG if exchange.is_probe and exchange.status < 500 else logging.INFO
    log.log(level, "%s, id %s", text, exchange.id, extra={"fields": fields})
