"""What is done where a job has ended: its client's server is told, and the log of what cannot be read."""

from __future__ import annotations

import logging
import sqlite3
import time

from govor.jobs.storage.deliveries import add_delivery
from govor.jobs.storage.records import UNREADABLE, Job, job_of

log = logging.getLogger(__name__)


def announce(tables: sqlite3.Connection, number: int, keep_seconds: float, now: float) -> Job:
    """Keep the message that a job has ended, but of who cancelled it, and return the job."""
    job = job_of(tables.execute("SELECT * FROM listed WHERE number = ?", (number,)).fetchone())
    (url,) = tables.execute("SELECT url FROM hooks WHERE number = ?", (number,)).fetchone()
    if job.status != "cancelled":
        add_delivery(tables, job, url, keep_seconds, now)
    return job


def give_up(tables: sqlite3.Connection, job: Job, what: str, keep_seconds: float) -> None:
    """Let a job have failed that is damaged, or was written by another version; the log is told once."""
    log.error("Job %s has failed: %s cannot be read", job.id, what)
    now = time.time()
    tables.execute(
        "UPDATE jobs SET status = 'failed', failure = ?, finished_at = coalesce(finished_at, ?)"
        " WHERE number = ?",
        (UNREADABLE.model_dump_json(), now, job.number),
    )
    if not job.finished:
        announce(tables, job.number, keep_seconds, now)
