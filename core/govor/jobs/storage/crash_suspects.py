"""After a crash, finds the job that caused it, so that no other job fails for it; chooses the next job.

If a job ran alone when the server crashed, the crash counts as an attempt of that job. If several jobs or
other requests ran, the cause is unknown: these jobs become suspects and run alone, one at a time, so that the
next crash shows the cause. A job that makes progress is no longer a suspect.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection


def requeue_crashed(tables: sqlite3.Connection, *, others: bool) -> None:
    """Queue the jobs again that ran when a server crashed; `others`: interactive requests ran beside them."""
    (running,) = tables.execute("SELECT count(*) FROM jobs WHERE status = 'in_progress'").fetchone()
    alone = running == 1 and not others
    tables.execute(
        "UPDATE jobs SET status = 'queued', suspect = 1, attempts = attempts + ?"
        " WHERE status = 'in_progress'",
        (int(alone),),
    )


def next_number(tables: sqlite3.Connection, resting: Collection[int], *, quiet: bool) -> int | None:
    """Return the number of the job to start now; None: there is none, or it must wait.

    A suspect waits until nothing else runs, and jobs behind it wait too. Only while interactive requests run
    (not `quiet`), which may be always, other jobs overtake it.
    """
    waiting = tables.execute(
        "SELECT number, suspect FROM jobs WHERE status = 'queued' AND (?1 OR NOT suspect)"
        " AND number NOT IN (SELECT value FROM json_each(?2)) ORDER BY number LIMIT 1",
        (quiet, json.dumps(list(resting))),
    ).fetchone()
    running, suspects = tables.execute(
        "SELECT count(*), coalesce(sum(suspect), 0) FROM jobs WHERE status = 'in_progress'"
    ).fetchone()
    if waiting is None or suspects or (waiting["suspect"] and running):
        return None
    return int(waiting["number"])
