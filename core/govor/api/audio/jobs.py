"""/v1/jobs: transcriptions that go on without their client. `accept_job` begins them."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from pathlib import PurePath, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response, tag

from govor.api.audio.job_events import check_completed, job_events, last_event
from govor.api.audio.schema import JobBody, JobList, JobRemoved, JobResult
from govor.api.http.auth import given_key
from govor.api.request.fields import Fields, parse_fields
from govor.api.request.results import MODEL_HEADER, Purpose, name_warnings, render_result
from govor.api.response.declared_errors import JOB, TRANSCRIPTION, can_fail
from govor.api.response.json import json_response
from govor.api.response.sse import stream_response
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.errors import FormatFailed, GovorError, InvalidParam, JobCancelled, JobNotFinished
from govor.errors.values import fault_of
from govor.jobs.service import JobService
from govor.jobs.storage.records import Job, JobRequest, RequestedJob, Speaker, Status, job_body
from govor.jobs.webhooks import PARAM, check_allowed
from govor.outbound.client import check
from govor.plain import with_whole_letters, without_controls
from govor.requests.lines import LineFields

JSON = "application/json"
PREFERENCE = "respond-async"
POLL_SECONDS = 5.0
SHOWN = {"response_format", "timestamp_granularities", "include", *LineFields.model_fields}
"""Fields that say how a result is shown."""


class ListQuery(BaseModel):
    """Filters for the list of jobs."""

    model_config = ConfigDict(extra="ignore")

    limit: int = Field(20, ge=1, le=100, description="Most jobs to list.")
    after: str | None = Field(None, description="Id of the last job of the previous page.")
    status: Status | None = Field(None, description="Only jobs in this state.")


class ResultQuery(LineFields):
    """How to show a result; defaults are those of the request that made the job."""

    response_format: str | None = Field(None, description="As in the request.")
    timestamp_granularities: list[str] | None = Field(None, description="As in the request.")


def prefers_async() -> bool:
    """Return whether the client asks for an answer before the work is done (RFC 7240)."""
    preferences = re.split(r"[,;]", ",".join(request.headers.getlist("Prefer")))
    return PREFERENCE in (preference.strip().lower() for preference in preferences)


class Shown(BaseModel):
    """How a result is to be shown, as stored with the job."""

    fields: dict[str, Any]
    """Values of the fields in `SHOWN`."""
    rich: Purpose | None = None
    """Purpose of the route if the result is go-whisper's object; None: it is not."""
    words: bool = False
    """Whether word times are shown in addition to other times."""


async def accept_job(
    jobs: JobService, service: Service, work: Work, fields: Fields, rich: Purpose | None, file_name: str
) -> Response:
    """Queue a job and answer with its address; errors in the request are raised now.

    `file_name` is that of the upload; without it, the name is the last part of `file_url`.
    """
    await _check_webhook(fields.webhook_url, service)
    order = JobRequest(
        model=work.model.qualified,
        options=work.options,
        rules=work.rules,
        text=work.text,
        speakers=work.diarize and tuple(Speaker.of(known) for known in work.diarize.known),
        parties=work.apart,
        people=(work.diarize.least, work.diarize.most) if work.diarize else (0, None),
        selection=work.selection,
        presentation=Shown(
            fields=fields.model_dump(include=SHOWN), rich=rich, words=fields.foreign.words
        ).model_dump_json(),
        webhook_url=fields.webhook_url,
    )
    name = file_name or unquote(PurePosixPath(urlsplit(fields.file_url).path).name)
    job = await jobs.submit(work, order, given_key(), with_whole_letters(without_controls(name)))
    response = json_response(_body(jobs, job), 202)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if prefers_async():
        response.headers["Preference-Applied"] = PREFERENCE
    return response


async def _check_webhook(url: str, service: Service) -> None:
    if url:
        check_allowed(service.settings)
        private = service.settings.webhook_urls == "any"
        await check(url, private=private, param=PARAM, threads=service.lookups)


def job_routes(jobs: JobService, service: Service) -> Blueprint:
    """Return the routes, bound to the jobs of a server."""
    routes = Blueprint("jobs", __name__)

    @routes.get("/v1/jobs")
    @tag(["Jobs"])
    @document_querystring(ListQuery)
    @document_response(JobList)
    @can_fail(InvalidParam, *JOB)
    async def list_jobs() -> Response:
        """The client's jobs, the newest first."""
        query = _list_query()
        found = await jobs.newest(given_key(), status=query.status, after=query.after, limit=query.limit + 1)
        page = found[: query.limit]
        return json_response(
            {
                "object": "list",
                "data": [_body(jobs, job) for job in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": len(found) > query.limit,
            }
        )

    @routes.get("/v1/jobs/<job>")
    @tag(["Jobs"])
    @document_response(JobBody)
    @can_fail(*JOB)
    async def get_job(job: str) -> Response:
        """State and progress; when it is completed, the result too."""
        found = await jobs.get(job, given_key())
        if found.status != "completed":
            return json_response(_body(jobs, found))
        try:
            result = _embedded(*await _result(jobs, service, found, _fields(found)))
        except (FormatFailed, InvalidParam):  # of a plugin that fails or is gone; /result states the reason
            result = None
        except GovorError:
            found = await jobs.get(job, given_key())
            if found.failure is None:
                raise
            result = None  # it failed just now: its result cannot be read
        return json_response(_body(jobs, found, result))

    @routes.delete("/v1/jobs/<job>")
    @tag(["Jobs"])
    @document_response(JobRemoved)
    @can_fail(*JOB)
    async def remove_job(job: str) -> Response:
        """Cancel a job that waits or runs; delete one that has ended."""
        found, gone = await jobs.remove(job, given_key())
        return json_response({**_body(jobs, found), "deleted": gone})

    _add_result_routes(routes, jobs, service)
    return routes


def _add_result_routes(routes: Blueprint, jobs: JobService, service: Service) -> None:
    @routes.get("/v1/jobs/<job>/result")
    @tag(["Jobs"])
    @document_querystring(ResultQuery)
    @document_response(JobResult)
    @can_fail(InvalidParam, *JOB, JobNotFinished, JobCancelled, *TRANSCRIPTION, FormatFailed)
    async def get_result(job: str) -> Response:
        """The result, in the format of the request or in any other."""
        found = await jobs.get(job, given_key())
        asked = parse_fields(request.args, formats=service.formats)
        check_completed(found)
        fields = _fields(found, asked)
        body, media_type = await _result(jobs, service, found, fields)
        response = Response(body, content_type=media_type, headers={MODEL_HEADER: found.model})
        return name_warnings(response, found.notices)

    @routes.get("/v1/jobs/<job>/events")
    @tag(["Jobs"])
    @can_fail(InvalidParam, *JOB)
    async def get_events(job: str) -> Response:
        """The text while it is transcribed, from the start or from the event that Last-Event-ID names."""
        found = await jobs.get(job, given_key())
        return await stream_response(
            job_events(jobs, found, given_key(), last_event(), service.settings.keep_alive_seconds)
        )


def _list_query() -> ListQuery:
    try:
        return ListQuery.model_validate({name: value for name, value in request.args.items() if value})
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidParam(f"{fault_of(fault)}.", param=str(fault["loc"][0])) from error


def _fields(job: RequestedJob, instead: Fields | None = None) -> Fields:
    """Return the fields for showing the result: those of the job's request, overridden by `instead`."""
    try:
        fields = Fields.model_validate(_shown(job).fields)
    except ValidationError:  # stored by another version of Govor: use the defaults
        fields = Fields()
    named = instead.model_dump(include=set(ResultQuery.model_fields), exclude_unset=True) if instead else {}
    if _shown(job).words and "timestamp_granularities" not in named:
        fields = fields.with_words()
    return fields.model_copy(update=named)


def _shown(job: RequestedJob) -> Shown:
    try:
        return Shown.model_validate_json(job.order.presentation)
    except ValidationError:
        return Shown(fields={})


async def _result(
    jobs: JobService, service: Service, job: RequestedJob, fields: Fields
) -> tuple[str | bytes, str]:
    transcript = await jobs.transcript(job, given_key())
    rich, title = _shown(job).rich, PurePath(job.file_name).stem
    return await asyncio.to_thread(
        render_result, transcript, fields, jobs.settings, service.formats, rich, title=title
    )


def _embedded(body: str | bytes, media_type: str) -> object:
    """Return a result as a value of JSON; None: it is binary, and only the route of results has it."""
    if isinstance(body, bytes):
        return None
    if media_type == JSON:
        with suppress(ValueError):  # a plugin's
            return json.loads(body)
    return body


def _body(jobs: JobService, job: Job, result: object = None) -> dict[str, object]:
    return {**job_body(job, keep_seconds=jobs.keep_seconds), "result": result}
