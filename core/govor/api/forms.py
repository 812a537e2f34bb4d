"""The body of a transcription request: a form with a recording, or the recording itself."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from quart import request
from werkzeug.datastructures import FileStorage, MultiDict

from govor.api.uploads import SpoolingRequest, spooled_path
from govor.engine.service import Service
from govor.errors import EmptyBody, InvalidParam, MissingFile, UnsupportedMediaType
from govor.remote.addresses import check_policy
from govor.remote.exchange import fetch

FORM = "multipart/form-data"


async def read_form() -> tuple[MultiDict[str, str], Path | None]:
    """Return the form's fields and where its file is spooled; None: it has a `file_url` instead."""
    length = request.content_length
    unstated = length is None and "transfer-encoding" not in request.headers  # as in HTTP/2 it may be
    if length == 0 or (unstated and not request.mimetype):
        raise EmptyBody("The request has no body; send multipart/form-data with a 'file'.")
    if request.mimetype != FORM:
        raise UnsupportedMediaType(
            f"Content type '{request.mimetype or 'none'}' is not supported; send multipart/form-data."
        )
    _check_boundary()
    form, files = _named(await request.form), await request.files
    upload: FileStorage | None = files.get("file")
    by_url = bool(form.get("file_url", "").strip())
    if upload is None and not by_url:
        raise MissingFile(_why_no_file(form), param="file")
    if upload is not None and by_url:
        raise InvalidParam("Send 'file' or 'file_url', not both.", param="file_url")
    return form, None if upload is None else spooled_path(upload)


async def read_upload() -> tuple[MultiDict[str, str], Path]:
    """Return the form's fields and where its file is spooled, for routes that take no `file_url`."""
    form, path = await read_form()
    if path is None:
        raise MissingFile(_why_no_file(form), param="file")
    return form, path


async def fetch_recording(url: str, service: Service) -> Path:
    """Fetch a recording to where uploads are spooled; it is gone when the request is.

    Raises UrlNotAllowed, UrlFailed, InvalidParam, PayloadTooLarge, InsufficientStorage.
    """
    settings = service.settings
    check_policy("file_url", settings.file_urls, offline=settings.offline)
    file = cast("SpoolingRequest", request).spool()
    limit, private = int(settings.max_upload_mb * 1e6), settings.file_urls == "any"
    await fetch(url, file, limit=limit, private=private, param="file_url", threads=service.fetchers)
    return Path(file.name)


async def read_body() -> Path:
    """Return where the recording is spooled that is the body, whatever its type, or a form's first file."""
    if request.mimetype != FORM:
        path, size = await cast("SpoolingRequest", request).spool_body()
        if not size:
            raise EmptyBody("The request has no body; send the recording.")
        return path
    _check_boundary()
    upload: FileStorage | None = next(iter((await request.files).values()), None)
    if upload is None:
        raise MissingFile("The form has no file.", param="file")
    return spooled_path(upload)


def _named(form: MultiDict[str, str]) -> MultiDict[str, str]:
    """Leave out parts that have no name: nobody can ask for them."""
    return MultiDict([(name, text) for name, text in form.items(multi=True) if name is not None])


def _check_boundary() -> None:
    if not request.mimetype_params.get("boundary"):
        raise InvalidParam("The content type has no boundary; let your HTTP library set the header.")


def _why_no_file(form: MultiDict[str, str]) -> str:
    if "file" in form:
        return "The part 'file' has no file name, so it is a text field; send it with filename=…."
    return "The form has no part 'file' with the recording."
