"""The room for jobs, and who gives way where it is full: whoever takes most, with the oldest that has ended.

So a client's results make way for its own new ones, and for another's only while it takes more than that one.
"""

from __future__ import annotations

import sqlite3

from govor.errors import InsufficientStorage


def make_room(tables: sqlite3.Connection, owner: str, size: int, most: float) -> None:
    """Forget finished jobs until an owner's recording fits in. Raises InsufficientStorage."""
    if size + used_bytes(tables) <= most:
        return
    rows = tables.execute("SELECT owner, sum(bytes) FROM sizes GROUP BY owner")
    takes = {str(name): int(taken) for name, taken in rows}
    takes[owner] = takes.get(owner, 0) + size
    while size + used_bytes(tables) > most:
        _forget_one(tables, takes, owner)


def _forget_one(tables: sqlite3.Connection, takes: dict[str, int], owner: str) -> None:
    """Forget the oldest finished job of who takes most; never of one who takes less than `owner`."""
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
    raise InsufficientStorage("The room for jobs is full (jobs_max_mb); it gets free as they are done.")


def used_bytes(tables: sqlite3.Connection) -> int:
    """Bytes of the recordings that wait, and of all that is known of jobs."""
    (audio,) = tables.execute(
        "SELECT coalesce(sum(audio_bytes), 0) FROM jobs WHERE finished_at IS NULL"
    ).fetchone()
    pages, free, size = (
        tables.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int(audio + (pages - free) * size)
