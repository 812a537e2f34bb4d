"""The jobs of one server: submits, reads, follows and removes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

from govor.contract.results import Segment, Transcript
from govor.engine.service import Service
from govor.engine.sources.request_audio import Source
from govor.engine.transcription.begin import examine
from govor.engine.transcription.work import Work
from govor.errors import InsufficientStorage, JobNotFound, JobsUnavailable, ShuttingDown
from govor.jobs.results import follow, read_transcript
from govor.jobs.runner import Runner
from govor.jobs.storage.async_store import STOPPING, AsyncJobStore
from govor.jobs.storage.data_folder import DATABASE, new_id
from govor.jobs.storage.records import AnyJob, Job, JobRequest, RequestedJob, Status
from govor.jobs.storage.store import ANYONE, JobStore, Limits
from govor.jobs.webhooks import Webhooks
from govor.settings import Settings
from govor.settings.compat import Compat
from govor.unawaited import retrieve_failure

TIDY_SECONDS = 600.0
RETRY_SECONDS = 1.0
LONGEST_NAME = 255
"""Most characters of a file's name that are kept."""

log = logging.getLogger(__name__)


class JobService:
    """The jobs of one server. Uses the disk only if there is a job, or was one before."""

    def __init__(self, service: Service):
        self._service = service
        self._store: AsyncJobStore | None = None
        self._runner: Runner | None = None
        self._webhooks: Webhooks | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []
        self._adding: set[asyncio.Task[Job]] = set()
        self._complaint = ""
        service.jobs_trouble = self.trouble

    @property
    def compat(self) -> Compat:
        """The settings of other servers' formats."""
        return self.settings.compat

    @property
    def settings(self) -> Settings:
        """The server's present settings."""
        return self._service.settings

    @property
    def keep_seconds(self) -> float:
        """Seconds that a finished job is kept."""
        return self.settings.jobs_keep_hours * 3600

    def start(self) -> None:
        """Continue the jobs of earlier runs, in the background."""
        if self._is_kept():
            self._tasks.append(asyncio.create_task(self._open_repeatedly(), name="open jobs"))

    async def close(self) -> None:
        """Queue running jobs again, and end streams of jobs with ShuttingDown. A second call does nothing."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._adding, return_exceptions=True)
        async with self._opening:
            if self._runner and self._webhooks and self._store:
                await asyncio.gather(self._runner.close(), self._webhooks.close())
                await self._store.close()
            self._service.interactive.watch(None)
            self._runner = self._webhooks = self._store = None

    async def counts(self) -> dict[str, int]:
        """Return the number of jobs by status; empty if there never was one, or the store fails."""
        if self._store is None:
            return {}
        try:
            return await self._store.do(JobStore.counts)
        except (JobsUnavailable, InsufficientStorage):
            return {}

    async def submit(self, work: Work, order: JobRequest, key: str, file_name: str = "") -> Job:
        """Move a recording into the store and queue its job. Both complete even if the caller is cancelled.

        `file_name` is the client's name of the recording, which lists of jobs show.
        Raises InvalidAudio, AudioTooLong, ServerBusy, InsufficientStorage, JobsUnavailable.
        """
        if not self.settings.jobs_limit:
            raise JobsUnavailable("This server takes no jobs (jobs_limit is 0).")
        seconds = await examine(work, self._service.decoders)
        adding = asyncio.create_task(
            self._add(work, order, key, seconds, file_name[:LONGEST_NAME]), name="add job"
        )
        self._adding.add(adding)
        adding.add_done_callback(self._adding.discard)
        adding.add_done_callback(retrieve_failure)
        return await asyncio.shield(adding)

    async def _add(
        self, work: Work, order: JobRequest, key: str, seconds: float | None, file_name: str
    ) -> Job:
        store = await self._open()
        limits = Limits(self.settings.jobs_limit, self.settings.jobs_max_mb * 1e6)
        job = new_id()
        try:
            await _take(store, work.source, job)
            owner = await self._signature(store, key)
            added = await store.do(
                JobStore.add, job, owner, work.model.id, order, seconds, time.time(), limits, file_name
            )
        except BaseException:
            store.folder.discard(job)
            raise
        if self._runner:
            self._runner.wake()
        return added

    async def get(self, job: str, key: str) -> RequestedJob:
        """Return a job of this client. Raises JobNotFound."""
        store = await self._open_kept(job)
        found = await store.do(JobStore.get, job, await self._owner(store, key))
        return self._with_progress(found)

    async def newest(self, key: str, *, status: Status | None, after: str | None, limit: int) -> list[Job]:
        """Return the client's newest jobs, those older than `after`. Raises JobNotFound."""
        if not self._is_kept():
            return []
        store = await self._open_kept("")
        found = await store.do(JobStore.newest, await self._owner(store, key), status, after, limit)
        return [self._with_progress(job) for job in found]

    async def remove(self, job: str, key: str) -> tuple[Job, bool]:
        """Cancel a job, or delete one that has ended; return it, and whether it was deleted."""
        store = await self._open_kept(job)
        owner = await self._owner(store, key)
        found = await store.do(JobStore.get, job, owner)
        cancelled = await store.do(JobStore.cancel, found.number, time.time())
        if cancelled is not None:
            if self._runner:
                await self._runner.drop(found.number)
            store.notify(job)
            return cancelled, False
        found = await store.do(JobStore.get, job, owner)  # it has ended meanwhile
        await store.do(JobStore.delete, found.number)
        store.notify(job)
        return found, True

    async def transcript(self, job: RequestedJob, key: str) -> Transcript:
        """Return the transcript so far. Raises the job's error if reading shows that it has failed."""
        store = await self._open_kept(job.id)
        return await read_transcript(store, job, await self._owner(store, key))

    async def follow(self, job: str, key: str, quiet: float) -> AsyncGenerator[Segment | Job | None, None]:
        """Yield segments as they come, and the job at its end; None after `quiet` seconds without a segment.

        Raises JobNotFound, also if it is deleted meanwhile; ShuttingDown.
        """
        store = await self._open_kept(job)
        async with aclosing(follow(store, job, await self._owner(store, key), quiet)) as followed:
            async for item in followed:
                yield item

    def _with_progress(self, job: AnyJob) -> AnyJob:
        return job if self._runner is None else self._runner.with_progress(job)

    def trouble(self) -> str:
        """Return why jobs do not run now, without a path; empty: they do, or there are none."""
        if self._runner is None or self._store is None:
            reason = "The store of jobs cannot be opened; the log says why." if self._complaint else ""
            return reason or self._service.folders.data_trouble
        if not self._store.folder.database.exists():
            return "The store of jobs is gone. Restart the server; earlier jobs are lost."
        reason = "No job can be begun now; the log says why." if self._runner.trouble else ""
        return reason or self._service.folders.data_trouble

    def _note_interactive(self, count: int) -> None:
        """Record the number of interactive requests; at 0, look for jobs that waited for them."""
        if self._store and self._runner:
            self._store.folder.note_interactive(count)
            if not count:
                self._runner.wake()

    def _is_kept(self) -> bool:
        try:
            return self._store is not None or (self.settings.data_dir / DATABASE).is_file()
        except OSError:  # no permission: opening it reports the error
            return True

    async def _owner(self, store: AsyncJobStore, key: str) -> str:
        """Return the owner of the jobs that a client may see: ANYONE for administrators, "" without keys."""
        if self._service.keys.manages(key.encode("latin-1", "replace")):
            return ANYONE
        return await self._signature(store, key)

    async def _signature(self, store: AsyncJobStore, key: str) -> str:
        """Return the owner that stands for a client's key in the store."""
        return await store.do(JobStore.owner, key) if self._service.keys.asked else ""

    async def _open_kept(self, job: str) -> AsyncJobStore:
        """Return the store, without expired jobs. Raises JobNotFound if there never was a store."""
        if not self._is_kept():
            raise JobNotFound(job)
        store = await self._open()
        await store.do(JobStore.forget, time.time())
        return store

    async def _open(self) -> AsyncJobStore:
        """Open the data folder and continue its jobs. Raises JobsUnavailable, ShuttingDown."""
        async with self._opening:
            if self._closed:
                raise ShuttingDown(STOPPING)
            if self._store is None:
                self._store = await self._open_store()
                self._webhooks = Webhooks(self.settings, self._store, self._service.lookups)
                self._runner = Runner(self._service, self._store, self._webhooks.wake)
                self._service.interactive.watch(self._note_interactive)
                self._tasks.append(asyncio.create_task(self._tidy(self._store), name="tidy jobs"))
            return self._store

    async def _open_store(self) -> AsyncJobStore:
        """Open the data folder; log each error once."""
        try:
            opened = await AsyncJobStore.open(self.settings.data_dir, self.keep_seconds)
            self._complaint = ""
            return opened
        except (JobsUnavailable, InsufficientStorage) as error:
            if str(error) != self._complaint:
                log.warning("%s", error)
            self._complaint = str(error)
            raise

    async def _open_repeatedly(self) -> None:
        """Wait for the data folder: an earlier server may still be stopping."""
        while True:
            with suppress(JobsUnavailable, InsufficientStorage):
                await self._open()
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _tidy(self, store: AsyncJobStore) -> None:
        while True:
            try:
                await store.do(JobStore.forget, time.time())
            except (JobsUnavailable, InsufficientStorage) as error:
                log.warning("%s", error)
            await asyncio.sleep(TIDY_SECONDS)


async def _take(store: AsyncJobStore, source: Source, job: str) -> None:
    """Move a recording into the data folder, not in the store's own thread, for it may take long."""
    if not isinstance(source, Path):
        raise TypeError("A job needs a recording that is a file.")
    try:
        await asyncio.to_thread(store.folder.take, source, job)
    except OSError as error:
        raise InsufficientStorage(f"The recording cannot be kept: {error.strerror}.") from error
