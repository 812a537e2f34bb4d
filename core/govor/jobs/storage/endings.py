"""Records the end of a job: stores its webhook message, or fails a job that cannot be read."""

from __future__ import annotations

import logging
import sqlite3
import time

from govor.jobs.storage.deliveries import add_delivery
from govor.jobs.storage.records import UNREADABLE, Job, job_of

log = logging.getLogger(__name__)


def announce(tables: sqlite3.Connection, number: int, keep_seconds: float, now: float) -> Job:
    """Store the message that a job has ended, unless its client cancelled it; return the job."""
    job = job_of(tables.execute("SELECT * FROM listed WHERE number = ?", (number,)).fetchone())
    (url,) = tables.execute("SELECT url FROM hooks WHERE number = ?", (number,)).fetchone()
    if job.status != "cancelled":
        add_delivery(tables, job, url, keep_seconds, now)
    return job


def fail_unreadable(tables: sqlite3.Connection, job: Job, what: str, keep_seconds: float) -> None:
    """Mark a job as failed that is damaged, or was written by another version, and log it."""
    log.error("Job %s has failed: %s cannot be read", job.id, what)
    now = time.time()
    tables.execute(
        "UPDATE jobs SET status = 'failed', failure = ?, finished_at = coalesce(finished_at, ?)"
        " WHERE number = ?",
        (UNREADABLE.model_dump_json(), now, job.number),
    )
    if not job.finished:
        announce(tables, job.number, keep_seconds, now)
