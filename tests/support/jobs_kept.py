"""A store of jobs in a folder, opened again like that of a server that was stopped, or killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol

from govor.contract.recognizers import Options
from govor.jobs.storage.data_folder import JobFolder, new_id
from govor.jobs.storage.database import open_tables
from govor.jobs.storage.records import JobRequest
from govor.jobs.storage.store import JobStore, Limits


class Open(Protocol):
    """Open the store of one folder; an open one is closed first or, if `killed`, only abandoned."""

    tables: sqlite3.Connection
    """The database of the store that was opened last."""

    def __call__(self, *, killed: bool = False) -> JobStore: ...


class Reopened:
    """One folder, and the store that is open in it."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._store: JobStore | None = None

    def __call__(self, *, killed: bool = False) -> JobStore:
        self.close(killed=killed)
        folder = JobFolder(self._folder)
        self.tables = open_tables(folder.database)
        self._store = JobStore(folder, 3600, self.tables)
        return self._store

    def close(self, *, killed: bool = False) -> None:
        store, self._store = self._store, None
        if store is not None:
            self.tables.close() if killed else store.close()
            store.folder.close()


def add(store: JobStore, owner: str = "", size: int = 0, most: float = 1e9, **fields: Any) -> str:
    """Queue a job with a recording of so many bytes; return its id."""
    job = new_id()
    store.folder.audio(job).write_bytes(b"x" * size)
    order = JobRequest(model="fake/fake", options=Options(language="ru", keywords=("а, б",)), **fields)
    store.add(job, owner, "fake", order, None, 100.0, Limits(1000, most))
    return job
