"""The store for the event loop: calls run in one thread, and events report changes of jobs."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar
from weakref import WeakValueDictionary

from govor.errors import InsufficientStorage, JobsUnavailable, ShuttingDown
from govor.jobs.storage.data_folder import JobFolder
from govor.jobs.storage.database import is_full
from govor.jobs.storage.store import JobStore
from govor.plain import in_words

STOPPING = "The server is stopping."

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


class AsyncJobStore:
    """The store of an open data folder."""

    def __init__(self, store: JobStore, thread: ThreadPoolExecutor):
        self._store = store
        self._thread = thread
        # weak: an event that is not awaited is dropped
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._closed = False
        self.stopping = False
        """Whether no job will change any more."""

    @classmethod
    async def open(cls, path: Path, keep_seconds: float) -> Self:
        """Open a data folder. Raises JobsUnavailable."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="govor-jobs")
        try:
            opening = asyncio.get_running_loop().run_in_executor(thread, _open, path, keep_seconds)
            return cls(await opening, thread)
        except BaseException:
            thread.shutdown(wait=False)
            raise

    @property
    def folder(self) -> JobFolder:
        """The recordings."""
        return self._store.folder

    async def do(self, method: Callable[Concatenate[JobStore, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the store in its thread.

        Raises the method's errors; InsufficientStorage, JobsUnavailable; ShuttingDown once it is closed.
        """
        if self._closed:
            raise ShuttingDown(STOPPING)
        call = partial(method, self._store, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except (sqlite3.Error, OSError) as error:
            failure = _store_error(error, self.folder.path)
            if isinstance(failure, JobsUnavailable):
                log.error("Jobs cannot be kept in %s", self.folder.path, exc_info=error)
            raise failure from error

    def changed(self, job: str) -> asyncio.Event:
        """Return an event that is set at the next change of a job. Get it before you read the job."""
        return self._events.setdefault(job, asyncio.Event())

    def notify(self, job: str) -> None:
        """Set the event of a job."""
        changed = self._events.pop(job, None)
        if changed is not None:
            changed.set()

    def stop(self) -> None:
        """Set the events of all jobs, for nothing will change."""
        self.stopping = True
        for job in list(self._events):
            self.notify(job)

    async def close(self) -> None:
        """Wait for calls under way, then close the folder."""
        self.stop()
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, _close, self._store)
        self._thread.shutdown()


def _open(path: Path, keep_seconds: float) -> JobStore:
    folder = None
    try:
        folder = JobFolder(path)
        return JobStore(folder, keep_seconds)
    except BaseException as error:
        if folder is not None:
            folder.close()
        if isinstance(error, sqlite3.Error | OSError):
            raise _store_error(error, path) from error
        raise


def _close(store: JobStore) -> None:
    try:
        store.close()
    finally:
        store.folder.close()


def _store_error(error: sqlite3.Error | OSError, path: Path) -> InsufficientStorage | JobsUnavailable:
    if isinstance(error, sqlite3.Error) and is_full(error):
        return InsufficientStorage(f"The disk that holds {path} is full.")
    return JobsUnavailable(f"Jobs cannot be kept in {path}: {in_words(error)}.")
