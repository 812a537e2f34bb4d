"""Errors of jobs, and of addresses in requests."""

from __future__ import annotations

from govor.errors.tree import GovorError, RequestError


class UrlFailed(RequestError):
    """The server could not fetch what an address in the request names."""

    code = "url_failed"


class UrlNotAllowed(RequestError):
    """The operator does not let this server call that address."""

    status = 403
    code = "url_not_allowed"


class JobNotFound(RequestError):
    """There is no such job, or it belongs to another client."""

    status = 404
    code = "job_not_found"

    def __init__(self, job: str):
        super().__init__(f"There is no job '{job[:80]}'.")


class JobNotFinished(RequestError):
    """The job has no result yet."""

    status = 409
    code = "job_not_finished"


class JobCancelled(RequestError):
    """The job was cancelled; it will never have a result."""

    status = 410
    code = "job_cancelled"


class JobsUnavailable(GovorError):
    """The server cannot keep jobs now."""

    status = 503
    code = "jobs_unavailable"
