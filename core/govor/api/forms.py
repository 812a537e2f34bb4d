"""The body of a transcription request: a form with a recording, or the recording itself."""

from __future__ import annotations

from pathlib import Path

from quart import request

from govor.api.bodies import current_body
from govor.api.form_body import FORM, URLENCODED, Form, boundary, read_form_body
from govor.api.part_headers import FILES
from govor.api.uploads import current_spool
from govor.engine.admission import Place
from govor.engine.service import Service
from govor.errors import EmptyBody, InvalidParam, MissingFile, UnsupportedMediaType
from govor.remote.addresses import check_policy
from govor.remote.exchange import fetch


async def read_form() -> Form:
    """Return the form; one without a recording has a `file_url` instead."""
    length = request.content_length
    unstated = length is None and "transfer-encoding" not in request.headers  # as in HTTP/2 it may be
    if length == 0 or (unstated and not request.mimetype):
        raise EmptyBody("The request has no body; send multipart/form-data with a 'file'.")
    if request.mimetype == URLENCODED:  # what HTTP libraries send for a form without a file
        raise MissingFile(
            "The form has no file: send it as multipart/form-data with a part 'file'.", param="file"
        )
    if request.mimetype != FORM:
        raise UnsupportedMediaType(
            f"Content type '{request.mimetype[:80] or 'none'}' is not supported; send multipart/form-data."
        )
    boundary()
    form = await read_form_body(wanted=FILES.__contains__)
    by_url = bool(form.fields.get("file_url"))
    if form.path is None and not by_url:
        raise MissingFile(_why_no_file(form), param="file")
    if form.path is not None and by_url:
        raise InvalidParam("Send 'file' or 'file_url', not both.", param="file_url")
    return form


async def read_upload() -> tuple[Form, Path]:
    """Return the form and where its recording is spooled, for routes that take no `file_url`."""
    form = await read_form()
    if form.path is None:
        raise MissingFile(_why_no_file(form), param="file")
    return form, form.path


async def fetch_recording(url: str, service: Service, place: Place) -> Path:
    """Fetch a recording to where uploads are spooled; it is gone when the request is.

    Meanwhile the place is another's. Raises UrlNotAllowed, UrlFailed, InvalidParam, PayloadTooLarge,
    InsufficientStorage, ServerBusy, RateLimited.
    """
    settings = service.settings
    check_policy("file_url", settings.file_urls, offline=settings.offline)
    file = current_spool().open()
    limit, private = int(settings.max_upload_mb * 1e6), settings.file_urls == "any"
    with place.fetching():
        await fetch(url, file, limit=limit, private=private, param="file_url", threads=service.fetchers)
    return Path(file.name)


async def read_body() -> Path:
    """Return where the recording is spooled that is the body, whatever its type, or a form's first file."""
    if request.mimetype != FORM:
        file, size = current_spool().open(), 0
        async for piece in current_body():
            size += file.write(piece)
        file.flush()
        if not size:
            raise EmptyBody("The request has no body; send the recording.")
        return Path(file.name)
    form = await read_form_body(wanted=lambda name: True)
    if form.path is None:
        raise MissingFile("The form has no file.", param="file")
    return form.path


def _why_no_file(form: Form) -> str:
    if "file" in form.fields:
        return "The part 'file' has no file name, so it is a text field; send it with filename=…."
    other = f"; its file is called '{form.other_file}'" if form.other_file else ""
    return f"The form has no part 'file' with the recording{other}."
