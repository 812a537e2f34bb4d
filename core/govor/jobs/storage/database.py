"""The database of jobs: one SQLite file, opened by one process, used by one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from govor.errors import JobsUnavailable

VERSION = 1
"""Version of the database that `SCHEMA` makes."""

VIEWS = """
PRAGMA temp_store = MEMORY;
CREATE TEMP VIEW listed AS SELECT
    number, id, owner, status, created_at, started_at, finished_at, model, attempts, position, seconds_total,
    failure, notices, file_name FROM jobs;
CREATE TEMP VIEW asked AS SELECT
    number, id, owner, status, created_at, started_at, finished_at, model, attempts, position, seconds_total,
    failure, notices, file_name,
    iif(json_valid(wanted), json_remove(wanted, '$.speakers'), wanted) AS wanted FROM jobs;
CREATE TEMP VIEW hooks AS SELECT
    number, iif(json_valid(wanted), json_extract(wanted, '$.webhook_url'), NULL) AS url FROM jobs;
CREATE TEMP VIEW sizes AS SELECT
    number, owner, finished_at,
    iif(finished_at IS NULL, audio_bytes, 0) + length(CAST(wanted AS BLOB)) + coalesce(
        (SELECT sum(length(CAST(body AS BLOB))) FROM segments WHERE job = number), 0) AS bytes FROM jobs;
"""
"""Views of jobs. `listed` has no requests, which may have megabytes of known voices; `asked` has requests
without voices. `hooks` has the webhooks, `sizes` the bytes of each job without the database's overhead."""

SCHEMA = """
BEGIN;
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued',
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    model TEXT NOT NULL,
    wanted TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    position REAL NOT NULL DEFAULT 0,
    seconds_total REAL,
    failure TEXT,
    audio_bytes INTEGER NOT NULL,
    suspect INTEGER NOT NULL DEFAULT 0,
    notices TEXT,
    file_name TEXT
);
CREATE INDEX jobs_by_status ON jobs (status, number);
CREATE INDEX jobs_by_end ON jobs (finished_at);
CREATE TABLE segments (
    job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    place INTEGER NOT NULL,
    body TEXT NOT NULL,
    middle REAL,
    PRIMARY KEY (job, place)
) WITHOUT ROWID;
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL
);
CREATE INDEX deliveries_by_job ON deliveries (job);
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
INSERT INTO secrets VALUES ('owners', randomblob(32));
PRAGMA user_version = 1;
COMMIT;
"""


def open_tables(path: Path) -> sqlite3.Connection:
    """Open the database; make it if it is missing. Raises JobsUnavailable, sqlite3.Error."""
    # one thread uses it, but another one may close it if opening fails
    tables = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        tables.row_factory = sqlite3.Row
        tables.text_factory = _readable
        tables.execute("PRAGMA auto_vacuum = INCREMENTAL")  # affects a new file only
        tables.execute("PRAGMA journal_mode = WAL")
        tables.execute("PRAGMA synchronous = FULL")  # a job that was accepted survives a power failure
        tables.execute("PRAGMA foreign_keys = ON")
        (version,) = tables.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise JobsUnavailable(f"The jobs in {path.parent} were written by a newer version of Govor.")
        if version < VERSION:
            tables.executescript(SCHEMA)
        _add_columns(tables)
        tables.executescript(VIEWS)
    except BaseException:
        tables.close()
        raise
    return tables


def _readable(data: bytes) -> str:
    """Decode UTF-8, with damaged bytes replaced, so that one damaged value does not block all other rows."""
    return data.decode("utf-8", "replace")


def _add_columns(tables: sqlite3.Connection) -> None:
    """Add columns that the database of an earlier Govor lacks; earlier versions ignore them."""
    there = {row["name"] for row in tables.execute("PRAGMA table_info(jobs)")}
    if "suspect" not in there:
        tables.execute("ALTER TABLE jobs ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0")
    for name in ("notices", "file_name"):
        if name not in there:
            tables.execute(f"ALTER TABLE jobs ADD COLUMN {name} TEXT")


@contextmanager
def transaction(tables: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit the block as one transaction; roll back if it raises."""
    tables.execute("BEGIN IMMEDIATE")
    try:
        yield tables
    except BaseException:
        if tables.in_transaction:  # on a full disk, SQLite has rolled back itself
            tables.execute("ROLLBACK")
        raise
    tables.execute("COMMIT")


def shrink(tables: sqlite3.Connection) -> None:
    """Return the space of deleted rows to the disk."""
    tables.executescript("PRAGMA incremental_vacuum")  # `execute` would stop after its first page


def is_full(error: sqlite3.Error) -> bool:
    """Return whether the error means a full disk."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
