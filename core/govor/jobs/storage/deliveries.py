"""Webhook messages that have not been delivered, in the database of jobs."""

from __future__ import annotations

import json
import secrets
import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

from govor.jobs.storage.records import Job, job_body

AT_ONCE = 8


class Delivery(NamedTuple):
    """A message that has not been delivered."""

    id: str
    url: str
    body: str
    attempts: int


def add_delivery(tables: sqlite3.Connection, job: Job, url: object, keep_seconds: float, now: float) -> None:
    """Store the message that a job has ended, if it has a webhook."""
    if isinstance(url, str) and url:
        tables.execute(
            "INSERT INTO deliveries (id, job, url, body, due) VALUES (?, ?, ?, ?, ?)",
            (
                f"msg_{secrets.token_hex(12)}",
                job.number,
                url,
                _message(job, keep_seconds, now),
                now,
            ),
        )


def due_deliveries(tables: sqlite3.Connection, now: float) -> tuple[list[Delivery], float | None]:
    """Return the messages due now, and when the next one is, in seconds since 1970; None: there is none."""
    rows = tables.execute(
        "SELECT id, url, body, attempts FROM deliveries WHERE due <= ? ORDER BY due LIMIT ?", (now, AT_ONCE)
    )
    found = [
        Delivery(str(row["id"]), str(row["url"]), str(row["body"]), _count(row["attempts"])) for row in rows
    ]
    (soonest,) = tables.execute("SELECT min(due) FROM deliveries").fetchone()
    return found, soonest


def note_delivery(tables: sqlite3.Connection, delivery: str, due: float | None) -> None:
    """Record an attempt: the message is due again at `due`, or never."""
    if due is None:
        tables.execute("DELETE FROM deliveries WHERE id = ?", (delivery,))
    else:
        tables.execute("UPDATE deliveries SET attempts = attempts + 1, due = ? WHERE id = ?", (due, delivery))


def _count(attempts: object) -> int:
    return max(attempts, 0) if isinstance(attempts, int) else 0


def _message(job: Job, keep_seconds: float, now: float) -> str:
    """Return the body: the job without its text, which only the owner of the key may read."""
    message = {
        "type": f"transcription.job.{job.status}",
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
        "data": job_body(job, keep_seconds=keep_seconds),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
