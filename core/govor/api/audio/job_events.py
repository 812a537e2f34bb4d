"""A job's text as server-sent events, and the error if it has no result."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from quart import request

from govor.errors import GovorError, InvalidParam, JobCancelled, JobNotFinished
from govor.formats import events
from govor.formats.openai import reported_tokens
from govor.formats.text import Joiner
from govor.jobs.service import JobService
from govor.jobs.storage.records import Job, RequestedJob

POLL_SECONDS = 5.0


def last_event() -> int:
    """Return how many segments the client has already, by Last-Event-ID. Raises InvalidParam."""
    given = request.headers.get("Last-Event-ID", "").strip() or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 18):
        raise InvalidParam("The header Last-Event-ID must be the id of an event.")
    return int(given)


def check_completed(job: Job) -> None:
    """Raise the job's error, JobCancelled or JobNotFinished if it has no result."""
    if job.failure is not None:
        raise job.failure.error()
    if job.status == "cancelled":
        raise JobCancelled(f"The job '{job.id}' was cancelled.")
    if not job.finished:
        raise JobNotFinished(
            f"The job '{job.id}' is {job.status.replace('_', ' ')}: it has no result yet.",
            retry_after=POLL_SECONDS,
        )


async def job_events(
    jobs: JobService, job: RequestedJob, key: str, sent: int, keep_alive: float
) -> AsyncGenerator[bytes, None]:
    """Yield the events of a job, without the first `sent` segments."""
    yield events.KEEP_ALIVE  # begins the answer: its first segment may take hours
    options = job.order.options
    joiner, number = Joiner(options.language, task=options.task), 0
    ended: Job = job
    try:
        async with aclosing(jobs.follow(job.id, key, keep_alive)) as followed:
            async for item in followed:
                if item is None:
                    yield events.KEEP_ALIVE
                elif isinstance(item, Job):
                    ended = item
                else:
                    text, number = joiner.add(item), number + 1
                    if number > sent:
                        tokens = reported_tokens(item) if options.logprobs else None
                        yield events.numbered(number, events.delta(text, tokens))
        check_completed(ended)
        whole = await jobs.transcript(await jobs.get(job.id, key), key)
    except GovorError as error:
        yield events.failure(error)
        return
    yield events.done(whole, logprobs=options.logprobs)
    if jobs.compat.sse_done:
        yield events.DONE
