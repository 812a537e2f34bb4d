"""Limits the storage of jobs: if it is full, the owner who uses most loses the oldest finished job.

So a client's results make room for its own new jobs, and for another's only while it uses more than that one.
"""

from __future__ import annotations

import sqlite3

from govor.errors import InsufficientStorage


def make_room(tables: sqlite3.Connection, owner: str, size: int, most: float) -> None:
    """Delete finished jobs until a recording of `size` bytes fits into `most`. Raises InsufficientStorage."""
    if size + used_bytes(tables) <= most:
        return
    rows = tables.execute("SELECT owner, sum(bytes) FROM sizes GROUP BY owner")
    takes = {str(name): int(taken) for name, taken in rows}
    takes[owner] = takes.get(owner, 0) + size
    while size + used_bytes(tables) > most:
        _forget_one(tables, takes, owner)


def _forget_one(tables: sqlite3.Connection, takes: dict[str, int], owner: str) -> None:
    """Delete the oldest finished job of the owner who uses most, but of none who uses less than `owner`."""
    for name in sorted(takes, key=lambda name: (-takes[name], name != owner)):
        oldest = tables.execute(
            "SELECT number, bytes FROM sizes WHERE owner = ? AND finished_at IS NOT NULL"
            " ORDER BY finished_at LIMIT 1",
            (name,),
        ).fetchone()
        if oldest is not None:
            tables.execute("DELETE FROM jobs WHERE number = ?", (oldest[0],))
            takes[name] -= int(oldest[1])
            return
        if name == owner:
            break
    raise InsufficientStorage("The storage for jobs is full (jobs_max_mb). Finished jobs free space.")


def used_bytes(tables: sqlite3.Connection) -> int:
    """Return the bytes of recordings that are not done and of the database."""
    (audio,) = tables.execute(
        "SELECT coalesce(sum(audio_bytes), 0) FROM jobs WHERE finished_at IS NULL"
    ).fetchone()
    pages, free, size = (
        tables.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int(audio + (pages - free) * size)
