"""What a job has brought so far, as a whole or as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from govor.contract.recognition import Segment, Transcript
from govor.errors import ShuttingDown
from govor.formats.transcript import assemble
from govor.jobs.storage.async_store import STOPPING, AsyncJobStore
from govor.jobs.storage.records import Job, RequestedJob
from govor.jobs.storage.store import JobStore

PAGE = 200
"""Segments that are read at once."""


async def read_transcript(store: AsyncJobStore, job: RequestedJob, owner: str) -> Transcript:
    """Return all segments put together. Raises JobNotFound, and why the job has failed."""
    segments: list[Segment] = []
    while True:
        found, page = await store.do(JobStore.read_on, job.id, owner, len(segments), PAGE)
        if found.failure is not None:
            raise found.failure.error()
        segments += page
        if not page:
            break
    seconds = job.seconds_total or job.position
    return assemble(segments, job.order.options, duration=seconds, model=job.model, notices=job.notices)


async def follow(
    store: AsyncJobStore, job: str, owner: str, quiet: float
) -> AsyncGenerator[Segment | Job | None, None]:
    """Yield segments as they come, in the end the job; None after `quiet` seconds without one.

    Raises JobNotFound, ShuttingDown.
    """
    place = 0
    while True:
        changed = store.changed(job)
        found, segments = await store.do(JobStore.read_on, job, owner, place, PAGE)
        for segment in segments:
            yield segment
        place += len(segments)
        if len(segments) == PAGE:
            continue
        if found.finished:
            yield found
            return
        if store.stopping:
            raise ShuttingDown(STOPPING)
        try:
            async with asyncio.timeout(quiet):
                await changed.wait()
        except TimeoutError:
            yield None
