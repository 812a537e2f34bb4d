"""After a crash: which job is to blame, and which may be begun next. A bystander must not fail for another.

A job that was worked on alone when the server ended is charged with that. Of several, or where other requests
were worked on, nobody can tell: they come under suspicion and from then on are worked on alone, one at a
time, so that the next crash tells. Whoever gets further is cleared.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection


def take_back(tables: sqlite3.Connection, *, others: bool) -> None:
    """Let what ran when a server ended without a word wait again; `others`: requests ran beside it."""
    (running,) = tables.execute("SELECT count(*) FROM jobs WHERE status = 'in_progress'").fetchone()
    alone = running == 1 and not others
    tables.execute(
        "UPDATE jobs SET status = 'queued', suspect = 1, attempts = attempts + ?"
        " WHERE status = 'in_progress'",
        (int(alone),),
    )


def next_number(tables: sqlite3.Connection, resting: Collection[int], *, quiet: bool) -> int | None:
    """Return the number of the job that may be begun now; None: there is none, or it has to wait.

    A suspect waits until nothing else is worked on. Other jobs do not overtake it, but while requests are
    worked on (not `quiet`), which may be always, they do.
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
