"""The jobs on disk. Every method blocks, and all are called in one thread."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from govor.contract.results import Notice, Segment
from govor.errors import JobNotFound, ServerBusy
from govor.jobs.storage.capacity import make_room
from govor.jobs.storage.crash_suspects import next_number, requeue_crashed
from govor.jobs.storage.data_folder import JobFolder
from govor.jobs.storage.database import open_tables, shrink, transaction
from govor.jobs.storage.deliveries import Delivery, due_deliveries, note_delivery
from govor.jobs.storage.endings import announce, fail_unreadable
from govor.jobs.storage.records import (
    NOTICES,
    Job,
    JobFailure,
    JobRequest,
    RequestedJob,
    Status,
    job_of,
    order_of,
    ordered,
)
from govor.jobs.storage.segments import dump_segment, load_segment

BUSY_SECONDS = 60.0

ANYONE = "*"
"""Owner for requests of an administrator; no client's signature equals it."""


class Limits(NamedTuple):
    """Most unfinished jobs, and most bytes of all jobs."""

    unfinished: int
    bytes: float


class JobStore:
    """The jobs of one data folder."""

    def __init__(self, folder: JobFolder, keep_seconds: float, tables: sqlite3.Connection | None = None):
        """Take jobs that ran when a server crashed into the queue again.

        `tables` is the folder's open database, which this store closes; None: it is opened.
        """
        self.folder = folder
        self._keep_seconds = keep_seconds
        self._tables = tables or open_tables(folder.database)
        (self._secret,) = self._tables.execute("SELECT value FROM secrets WHERE name = 'owners'").fetchone()
        with transaction(self._tables):
            requeue_crashed(self._tables, others=folder.others_at_end)
            waiting = self._tables.execute("SELECT id FROM jobs WHERE status = 'queued'").fetchall()
        folder.sweep({row["id"] for row in waiting})

    def close(self) -> None:
        """Queue running jobs again for the next start, without an attempt counted; close the database."""
        try:
            self._tables.execute("UPDATE jobs SET status = 'queued' WHERE status = 'in_progress'")
        finally:
            self._tables.close()

    def owner(self, key: str) -> str:
        """Return a signature that stands for a client's key and does not reveal it."""
        return hmac.digest(self._secret, key.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()

    def add(
        self,
        job: str,
        owner: str,
        model: str,
        order: JobRequest,
        seconds: float | None,
        now: float,
        limits: Limits,
        file_name: str = "",
    ) -> RequestedJob:
        """Queue a job whose recording is in the folder. Raises ServerBusy, InsufficientStorage."""
        size = self.folder.audio(job).stat().st_size
        with transaction(self._tables):
            (waiting,) = self._tables.execute(
                "SELECT count(*) FROM jobs WHERE finished_at IS NULL"
            ).fetchone()
            if waiting >= limits.unfinished:
                raise ServerBusy(
                    f"{waiting} jobs are waiting, the most that may (jobs_limit).", retry_after=BUSY_SECONDS
                )
            make_room(self._tables, owner, size, limits.bytes)
            self._tables.execute(
                "INSERT INTO jobs"
                " (id, owner, created_at, model, wanted, seconds_total, audio_bytes, file_name)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (job, owner, now, model, order.model_dump_json(), seconds, size, file_name or None),
            )
        return self.get(job, owner)

    def get(self, job: str, owner: str) -> RequestedJob:
        """Return a job of this owner, without the voices of known speakers. Raises JobNotFound."""
        rows = self._tables.execute("SELECT * FROM asked WHERE id = ?1 AND ?2 IN (owner, '*')", (job, owner))
        return self._order(_only(rows, job))

    def newest(self, owner: str, status: Status | None, after: str | None, limit: int) -> list[Job]:
        """Return the owner's newest jobs, those older than `after`. Raises JobNotFound."""
        before = 2**63 - 1 if after is None else self._row(after, owner)["number"]
        rows = self._tables.execute(
            "SELECT * FROM listed WHERE ?1 IN (owner, '*') AND number < ?2"
            " AND (?3 IS NULL OR status = ?3) ORDER BY number DESC LIMIT ?4",
            (owner, before, status, limit),
        )
        return [job_of(row) for row in rows]

    def _row(self, job: str, owner: str) -> sqlite3.Row:
        rows = self._tables.execute("SELECT * FROM listed WHERE id = ?1 AND ?2 IN (owner, '*')", (job, owner))
        return _only(rows, job)

    def _order(self, row: sqlite3.Row) -> RequestedJob:
        """Return a row as a job; if its request cannot be read, this job fails, and no other."""
        job, order = job_of(row), order_of(row)
        if order is None and row["status"] != "failed":
            self._fail_unreadable(job, "its order")
        return ordered(job, order)

    def _fail_unreadable(self, job: Job, what: str) -> None:
        fail_unreadable(self._tables, job, what, self._keep_seconds)
        self.folder.discard(job.id)

    def counts(self) -> dict[str, int]:
        """Return the number of jobs by status."""
        rows = self._tables.execute("SELECT status, count(*) AS number FROM jobs GROUP BY status")
        return {row["status"]: row["number"] for row in rows}

    def begin_next(
        self, now: float, resting: Collection[int] = (), *, quiet: bool = True
    ) -> RequestedJob | None:
        """Start the job that has waited longest; delete its segments that will be transcribed again.

        A job that is suspected of a crash runs alone: it waits for other jobs and, if interactive requests
        run (not `quiet`), lets other jobs go first. Jobs with the numbers in `resting` are left out.
        """
        with transaction(self._tables):
            begun = next_number(self._tables, resting, quiet=quiet)
            if begun is None:
                return None
            found = self._tables.execute(
                "UPDATE jobs SET status = 'in_progress', started_at = coalesce(started_at, ?)"
                " WHERE number = ? RETURNING *",
                (now, begun),
            ).fetchall()
            job = self._order(found[0])
            self._tables.execute(
                "DELETE FROM segments WHERE job = ? AND middle > ?", (job.number, job.position)
            )
        return job

    def release(self, number: int) -> None:
        """Queue a running job again, without an attempt counted."""
        self._tables.execute(
            "UPDATE jobs SET status = 'queued' WHERE number = ? AND status = 'in_progress'", (number,)
        )

    def add_segment(self, number: int, segment: Segment, position: float) -> bool:
        """Store the next segment of a running job, and its position in seconds.

        Return False if the job does not run any more.
        """
        with transaction(self._tables):
            moved = self._tables.execute(
                "UPDATE jobs SET position = ?1, attempts = iif(?1 > position, 0, attempts),"
                " suspect = iif(?1 > position, 0, suspect) WHERE number = ?2 AND status = 'in_progress'",
                (position, number),
            )
            if moved.rowcount:
                self._tables.execute(
                    "INSERT INTO segments SELECT ?1, coalesce(max(place) + 1, 0), ?2, ?3 FROM segments"
                    " WHERE job = ?1",
                    (number, dump_segment(segment), _middle(segment)),
                )
        return moved.rowcount > 0

    def read_on(self, job: str, owner: str, place: int, limit: int) -> tuple[Job, list[Segment]]:
        """Return the job, and up to `limit` of its segments from number `place` on. Raises JobNotFound."""
        found = job_of(self._row(job, owner))
        rows = self._tables.execute(
            "SELECT body FROM segments WHERE job = ? AND place >= ? ORDER BY place LIMIT ?",
            (found.number, place, limit),
        )
        try:
            return found, [load_segment(row["body"]) for row in rows]
        except (ValueError, TypeError, LookupError):
            if found.status != "failed":
                self._fail_unreadable(found, "a segment")
            return job_of(self._row(job, owner)), []

    def complete(
        self, number: int, seconds: float, now: float, notices: tuple[Notice, ...] = ()
    ) -> Job | None:
        """Mark a job as completed: `seconds` were transcribed, except the parts in `notices`."""
        text = NOTICES.dump_json(notices).decode() if notices else ""
        return self._finish(number, "completed", now, seconds=seconds, notices=text)

    def fail(self, number: int, failure: JobFailure, now: float) -> Job | None:
        """Mark a job as failed."""
        return self._finish(number, "failed", now, failure=failure.model_dump_json())

    def cancel(self, number: int, now: float) -> Job | None:
        """Mark a job as cancelled."""
        return self._finish(number, "cancelled", now)

    def _finish(
        self,
        number: int,
        status: Status,
        now: float,
        *,
        seconds: float | None = None,
        failure: str = "",
        notices: str = "",
    ) -> Job | None:
        """End a job; return it, or None if it has ended before."""
        with transaction(self._tables):
            ended = self._tables.execute(
                "UPDATE jobs SET status = ?1, finished_at = ?2, failure = nullif(?3, ''),"
                " notices = nullif(?6, ''),"
                " position = coalesce(?4, position), seconds_total = coalesce(?4, seconds_total)"
                " WHERE number = ?5 AND finished_at IS NULL",
                (status, now, failure, seconds, number, notices),
            )
            if not ended.rowcount:
                return None
            job = announce(self._tables, number, self._keep_seconds, now)
        self.folder.discard(job.id)
        return job

    def due_deliveries(self, now: float) -> tuple[list[Delivery], float | None]:
        """See `deliveries.due_deliveries`."""
        return due_deliveries(self._tables, now)

    def note_delivery(self, delivery: str, due: float | None) -> None:
        """See `deliveries.note_delivery`."""
        note_delivery(self._tables, delivery, due)

    def delete(self, number: int) -> None:
        """Delete a finished job with its segments and messages."""
        self._tables.execute("DELETE FROM jobs WHERE number = ? AND finished_at IS NOT NULL", (number,))
        shrink(self._tables)

    def forget(self, now: float) -> None:
        """Delete the jobs that ended more than `keep_seconds` ago."""
        gone = self._tables.execute("DELETE FROM jobs WHERE finished_at <= ?", (now - self._keep_seconds,))
        if gone.rowcount:
            shrink(self._tables)


def _only(rows: sqlite3.Cursor, job: str) -> sqlite3.Row:
    """Return the one row of a job. Raises JobNotFound."""
    row: sqlite3.Row | None = rows.fetchone()
    if row is None:
        raise JobNotFound(job)
    return row


def _middle(segment: Segment) -> float | None:
    """Return the middle of a segment in seconds, as rounding may move its edges across a position."""
    return None if segment.start is None or segment.end is None else (segment.start + segment.end) / 2
