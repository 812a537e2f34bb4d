"""Runs jobs, a few at a time: each continues at its position, and its segments are stored as they come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.stream import TranscriptStream
from govor.engine.transcription.work import Work
from govor.errors import (
    GovorError,
    InsufficientStorage,
    JobsUnavailable,
    ShuttingDown,
    TranscriptionFailed,
    reason,
)
from govor.jobs.storage.async_store import AsyncJobStore
from govor.jobs.storage.records import AnyJob, Job, JobFailure, JobRequest, RequestedJob
from govor.jobs.storage.store import JobStore

ATTEMPTS = 3
"""Crashes of the server while one job runs alone without progress, after which that job fails."""

BROKEN_SECONDS = 30.0
"""Seconds until a failed call of the data folder is repeated."""

LONGEST_PAUSE_SECONDS = 60.0

log = logging.getLogger(__name__)


class Runner:
    """Runs jobs until it is closed; jobs that run then wait for the next start of the server."""

    def __init__(self, service: Service, store: AsyncJobStore, finished: Callable[[], None]):
        """`finished` is called when a job has completed or failed."""
        self._service = service
        self._store = store
        self._finished = finished
        self._arrival = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._live: dict[int, TranscriptStream] = {}
        self.trouble = ""
        """Why no job can be started now; empty: jobs can be started."""
        self._workers = [
            asyncio.create_task(self._work(), name=f"jobs {number}")
            for number in range(service.settings.jobs_parallel)
        ]

    def wake(self) -> None:
        """Look for new jobs."""
        self._arrival.set()

    def with_progress(self, job: AnyJob) -> AnyJob:
        """Return a job with its present progress, also during long silence."""
        live = self._live.get(job.number)
        if live is None or job.finished:
            return job
        position = max(job.position, live.seconds_done)
        return replace(job, position=position, seconds_diarized=live.seconds_diarized)

    async def drop(self, number: int) -> None:
        """Stop a job; return when its task has ended."""
        task = self._running.get(number)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Stop all jobs."""
        tasks = [*self._workers, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        while not self._store.stopping:
            self._arrival.clear()
            try:
                job = await self._begin_next()
            except ShuttingDown:
                return
            except Exception as error:  # noqa: BLE001 - the queue must go on after any error
                self._complain(error)
                await asyncio.sleep(BROKEN_SECONDS)
                continue
            self.trouble = ""
            if job is None:
                await self._arrival.wait()
                continue
            self._arrival.set()  # one signal may stand for several jobs
            if job.finished:  # its row could not be read
                self._finished()
            else:
                task = asyncio.create_task(self._run(job), name=f"job {job.id}")
                self._running[job.number] = task
                await asyncio.wait([task])
                del self._running[job.number]
            self._store.notify(job.id)

    async def _begin_next(self) -> RequestedJob | None:
        quiet = not self._service.interactive.count
        return await self._store.do(JobStore.begin_next, time.time(), [*self._running], quiet=quiet)

    def _complain(self, error: Exception) -> None:
        """Record why no job can be started, and log it once; an unexpected error with its traceback."""
        expected = isinstance(error, GovorError)
        trouble = str(error) if expected else f"No job can be begun: {type(error).__name__}: {error}."
        if trouble != self.trouble:
            log.error("%s It is tried again every %g s.", trouble, BROKEN_SECONDS, exc_info=not expected)
        self.trouble = trouble

    async def _run(self, job: RequestedJob) -> None:
        """Run one job until it ends or must wait. Raises CancelledError only."""
        try:
            failure = await self._attempt(job)
            if failure is not None:
                await self._end(job, JobStore.fail, JobFailure.of(failure))
        except ShuttingDown:
            self._store.stop()  # `close` of the store queues the job again
        except GovorError as error:  # temporary: the engine is busy, or the disk full
            await self._put_back(job)
            self._store.notify(job.id)
            await asyncio.sleep(min(error.retry_after or BROKEN_SECONDS, LONGEST_PAUSE_SECONDS))
        except Exception:
            log.exception("Job %s pauses for %g s: its end cannot be recorded", job.id, BROKEN_SECONDS)
            await self._put_back(job)
            await asyncio.sleep(BROKEN_SECONDS)
        finally:
            self._live.pop(job.number, None)

    async def _attempt(self, job: RequestedJob) -> GovorError | None:
        """Continue a job; return the error if it can never succeed. Raises temporary errors."""
        if job.attempts >= ATTEMPTS:
            return TranscriptionFailed(
                f"The server ended {ATTEMPTS} times while it worked on this job alone."
            )
        try:
            await self._transcribe(job)
        except (ShuttingDown, JobsUnavailable, InsufficientStorage):
            raise
        except GovorError as error:
            if error.retry_after is not None:
                raise
            return error
        except Exception as error:
            log.exception("Job %s failed", job.id)
            return TranscriptionFailed(f"The job failed: {reason(error)}")
        return None

    async def _transcribe(self, job: RequestedJob) -> None:
        order = job.order
        work = Work(
            self._store.folder.audio(job.id),
            self._service.router.choose(order.model),
            order.options,
            order.rules,
            self._service.settings.max_audio_seconds,
            background=True,
            begin_at=job.position,
            text=order.text,
            diarize=self._diarize(order),
            apart=order.parties,
            selection=order.selection,
        )
        async with self._service.transcribe(work) as transcription:
            self._live[job.number] = transcription
            self._store.notify(job.id)
            async with aclosing(aiter(transcription)) as segments:
                async for segment in segments:
                    position = transcription.position
                    if not await self._store.do(JobStore.add_segment, job.number, segment, position):
                        return  # cancelled
                    self._store.notify(job.id)
            seconds, notices = transcription.seconds_read, transcription.notices
        await self._end(job, partial(JobStore.complete, notices=notices), seconds)

    def _diarize(self, order: JobRequest) -> Diarize | None:
        """Return the diarization of a job. Raises UnsupportedOperation, ModelNotInstalled."""
        if order.speakers is None:
            return None
        known = tuple(speaker.known() for speaker in order.speakers)
        return Diarize(self._service.router.diarizer(), known, *order.people)

    async def _end(self, job: Job, how: Callable[..., Job | None], value: object) -> None:
        ended = await self._store.do(how, job.number, value, time.time())
        if ended is not None:
            log.info("Job %s: %s", job.id, ended.status)
            self._finished()

    async def _put_back(self, job: Job) -> None:
        """Queue the job again; repeat this until the data folder works."""
        while True:
            try:
                await self._store.do(JobStore.release, job.number)
            except ShuttingDown:
                return
            except Exception as error:  # noqa: BLE001 - the queue must go on after any error
                self._complain(error)
                await asyncio.sleep(BROKEN_SECONDS)
            else:
                return
