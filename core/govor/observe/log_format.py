"""Log formats: a line for people, or one JSON object for machines. Text from outside cannot forge one."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from govor.observe.request import current
from govor.plain import escape, escape_json

BEHIND = "\n| "
"""Prefix of each line of a traceback, so that it cannot be mistaken for a line of the log."""


class LineFormatter(logging.Formatter):
    """One line per record: time, level, message; then the traceback, if there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the first line, its control characters shown as \\x1B."""
        return escape(super().formatMessage(record).rstrip())

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """Return a traceback with the prefix on each line."""
        return BEHIND.strip("\n") + BEHIND.join(
            escape(line, keep="\t") for line in super().formatException(ei).split("\n")
        )

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the library's name
        """Return a stack with the prefix on each line."""
        return BEHIND.strip("\n") + BEHIND.join(escape(line, keep="\t") for line in stack_info.split("\n"))

    def format(self, record: logging.LogRecord) -> str:
        """Return the record; ignores a traceback that another formatter has cached."""
        kept, record.exc_text = record.exc_text, None
        try:
            return super().format(record)
        finally:
            record.exc_text = kept


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, message, request_id, and the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line."""
        request = current()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request is not None:
            line["request_id"] = request.id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return escape_json(json.dumps(line, ensure_ascii=False, default=str))
