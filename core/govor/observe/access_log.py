"""The access log: one line for every answered request."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from govor.observe.request import RequestRecord

LONGEST_PATH = 200

log = logging.getLogger("govor.access")


def log_request(record: RequestRecord) -> None:
    """Log an answered request, without its query, which may contain a key."""
    path = quote(record.path, safe="/:@!$&'()*+,;=-._~")[:LONGEST_PATH]
    fields: dict[str, Any] = {
        "request_id": record.id,
        "client": record.client,
        "method": record.verb,
        "path": path,
        "route": record.template,
        "status": record.status,
        "seconds": round(record.seconds or 0.0, 3),
    }
    text = f"{record.client} {record.verb} {path} {record.status} in {record.seconds or 0.0:.3f} s"
    if record.code:
        fields["code"] = record.code
        text += f", {record.code}"
    if record.key:
        fields["key"] = record.key
        text += f", key {record.key}"
    if record.model:
        fields["model"] = record.model
        text += f", {record.model}"
    if record.audio_seconds:
        fields["audio_seconds"] = round(record.audio_seconds, 3)
        text += f", {record.audio_seconds:.1f} s of audio"
    level = logging.DEBUG if record.is_probe and record.status < 500 else logging.INFO
    log.log(level, "%s, id %s", text, record.id, extra={"fields": fields})
