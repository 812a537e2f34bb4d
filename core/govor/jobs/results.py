"""Reads the segments of a job: all so far, or each as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from govor.contract.results import Segment, Transcript
from govor.errors import ShuttingDown
from govor.formats.transcript import assemble
from govor.jobs.storage.async_store import STOPPING, AsyncJobStore
from govor.jobs.storage.records import Job, RequestedJob
from govor.jobs.storage.store import JobStore

PAGE = 200
"""Segments read in one call of the store."""


async def read_transcript(store: AsyncJobStore, job: RequestedJob, owner: str) -> Transcript:
    """Return the transcript of all segments. Raises JobNotFound; if the job has failed, its error."""
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
    """Yield segments as they come, and the job at its end; None after `quiet` seconds without a segment.

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
