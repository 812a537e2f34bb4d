"""The body of a transcription request: what is no form with a recording is refused, and why."""

from __future__ import annotations

from pathlib import Path

from quart import request
from werkzeug.datastructures import FileStorage, MultiDict

from govor.api.uploads import spooled_path
from govor.errors import EmptyBody, InvalidParam, MissingFile, UnsupportedMediaType


async def read_form() -> tuple[MultiDict[str, str], Path]:
    """Return the form's fields and where its file is spooled."""
    if request.content_length == 0 or not (request.mimetype or "transfer-encoding" in request.headers):
        raise EmptyBody("The request has no body; send multipart/form-data with a 'file'.")
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(
            f"Content type '{request.mimetype or 'none'}' is not supported; send multipart/form-data."
        )
    if not request.mimetype_params.get("boundary"):
        raise InvalidParam("The content type has no boundary; let your HTTP library set the header.")
    form, files = await request.form, await request.files
    upload: FileStorage | None = files.get("file")
    if upload is None:
        raise MissingFile(_why_no_file(form), param="file")
    return form, spooled_path(upload)


def _why_no_file(form: MultiDict[str, str]) -> str:
    if "file" in form:
        return "The part 'file' has no file name, so it is a text field; send it with filename=…."
    return "The form has no part 'file' with the recording."
