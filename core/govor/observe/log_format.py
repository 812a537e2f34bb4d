"""The log's form: a line for people, or one JSON object for machines. Nothing from outside forges one."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from govor.observe.request import current
from govor.plain import escape, escape_json

BEHIND = "\n| "
"""Begins each line of a traceback, so that none of them can be taken for one of the log."""


class LineFormatter(logging.Formatter):
    """One line per record: time, level, message; then the traceback, where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the first line, its control characters shown as \\x1B."""
        return escape(super().formatMessage(record).rstrip())

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """Return a traceback whose lines are marked."""
        return BEHIND.strip("\n") + BEHIND.join(
            escape(line, keep="\t") for line in super().formatException(ei).split("\n")
        )

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - the library's name
        """Return a stack whose lines are marked."""
        return BEHIND.strip("\n") + BEHIND.join(escape(line, keep="\t") for line in stack_info.split("\n"))

    def format(self, record: logging.LogRecord) -> str:
        """Return the record; a traceback that another formatter has kept is not used."""
        kept, record.exc_text = record.exc_text, None
        try:
            return super().format(record)
        finally:
            record.exc_text = kept


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, message, request_id, and what the record adds."""

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
