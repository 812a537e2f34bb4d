"""The body of a transcription request: a form with a recording, or the recording itself."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from quart import request

from govor.api.body.form import FORM, URLENCODED, Form, read_form_body, read_urlencoded_form
from govor.api.body.json_form import JSON, read_json_form
from govor.api.body.part_headers import FILES
from govor.api.body.reading import current_body
from govor.api.body.uploads import current_spool
from govor.audio.decoding.headerless import give_header, has_header
from govor.audio.decoding.sample_layouts import stated_layout
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.service import Service
from govor.errors import EmptyBody, InvalidParam, MissingFile, UnsupportedMediaType
from govor.outbound.addresses import check_policy
from govor.outbound.client import fetch

LAYOUT = ("encoding", "codec", "sample_rate", "channels")
"""Fields, of the form or the query, that declare the layout of headerless audio."""

WORDS = frozenset({"mixed", "separate"})
"""Values of `channels` other than a number: how channels are treated, not how many there are."""

BASE64 = re.compile(r"data:|[A-Za-z0-9+/\r\n_-]{400}")
"""Beginning of a recording in base64, or of its data URL; no path is so long without a dot."""

NOT_MULTIPART = "The form has no file: send it as multipart/form-data with a part 'file'."
PATH_CHARACTERS = 300
"""Longest text that may be a path of the client's file, instead of its content."""

Stated = Callable[[Mapping[str, str]], str]
"""Maps fields of the query and the form to the recording's media type; empty: they state none."""


async def read_form(stated: Stated | None = None) -> Form:
    """Return the form; one without a recording has a `file_url` instead.

    The type that `stated` returns takes precedence over the type of the part. Raises EmptyBody, MissingFile,
    UnsupportedMediaType, InvalidParam, PayloadTooLarge, UploadStalled.
    """
    length = request.content_length
    unstated = length is None and "transfer-encoding" not in request.headers  # possible in HTTP/2
    if length == 0 or (unstated and not request.mimetype):
        raise EmptyBody("The request has no body; send multipart/form-data with a 'file'.")
    if request.mimetype == JSON:
        form = await read_json_form()
    elif request.mimetype == FORM:
        form = await read_form_body(wanted=FILES.__contains__)
    elif request.mimetype == URLENCODED:  # HTTP libraries send it for a form without a file
        form = await read_urlencoded_form()
    else:
        raise UnsupportedMediaType(
            f"Content type '{request.mimetype[:80] or 'none'}' is not supported; send multipart/form-data."
        )
    by_url = bool(form.fields.get("file_url"))
    if form.path is None and not by_url:
        raise MissingFile(
            NOT_MULTIPART if request.mimetype == URLENCODED else _why_no_file(form), param="file"
        )
    if form.path is not None and by_url:
        raise InvalidParam("Send 'file' or 'file_url', not both.", param="file_url")
    if form.path is not None:
        given = {**request.args, **form.fields}
        media_type = (stated(given) if stated else "") or form.media_type
        form.path, declared = await _with_header(form.path, media_type, given, form.file_name)
        for name in LAYOUT if declared else ():
            if form.fields.get(name) not in WORDS:
                form.fields.poplist(name)
    return form


async def read_upload(stated: Stated | None = None) -> tuple[Form, Path]:
    """Return the form and the path of its recording, for routes that take no `file_url`."""
    form = await read_form(stated)
    if form.path is None:
        raise MissingFile(_why_no_file(form), param="file")
    return form, form.path


async def fetch_recording(url: str, service: Service, ticket: AdmissionTicket) -> Path:
    """Fetch a recording into the request's spool; it is deleted when the request ends.

    During the fetch the ticket is given back. Raises UrlNotAllowed, UrlFailed, InvalidParam,
    PayloadTooLarge, InsufficientStorage, ServerBusy, RateLimited.
    """
    settings = service.settings
    check_policy("file_url", settings.file_urls, offline=settings.offline)
    file = current_spool().open()
    limit, private = int(settings.max_upload_mb * 1e6), settings.file_urls == "any"
    with ticket.fetching():
        await fetch(url, file, limit=limit, private=private, param="file_url", threads=service.lookups)
    return Path(file.name)


async def read_body() -> Path:
    """Return the path of the recording: the body itself, of any type, or a form's first file."""
    if request.mimetype != FORM:
        file, size = current_spool().open(), 0
        async for piece in current_body():
            size += file.write(piece)
        file.flush()
        if not size:
            raise EmptyBody("The request has no body; send the recording.")
        return (await _with_header(Path(file.name), request.headers.get("Content-Type", ""), request.args))[0]
    form = await read_form_body(wanted=lambda name: True)
    if form.path is None:
        raise MissingFile(_why_no_file(form, "The form has no file."), param="file")
    given = {**request.args, **form.fields}
    return (await _with_header(form.path, form.media_type, given, form.file_name))[0]


async def _with_header(
    path: Path, media_type: str, fields: Mapping[str, str], file_name: str = ""
) -> tuple[Path, bool]:
    """Return the path of the recording with a header, and whether the client declared it headerless.

    A headerless one is spooled again with a header; if it has one after all, it is left as it is. Raises
    InvalidParam, PayloadTooLarge.
    """
    fields = {name: text for name, text in fields.items() if text not in WORDS}
    try:
        layout = stated_layout(media_type, fields, file_name)
    except InvalidParam:
        if await asyncio.to_thread(has_header, path):
            return path, True
        raise
    if layout is None:
        return path, False
    file = current_spool().open()
    if not await asyncio.to_thread(give_header, path, layout, file):
        return path, True
    await asyncio.to_thread(os.truncate, path, 0)  # so that the disk holds it twice for a moment only
    return Path(file.name), True


def _why_no_file(form: Form, otherwise: str = "") -> str:
    """Return a sentence; `otherwise` if no part could have been the recording."""
    if form.unchosen:
        return f"No file was chosen: the part '{form.unchosen}' is empty and has no file name."
    if name := next((name for name in sorted(FILES) if name in form.fields), ""):
        return _why_text(name, form.fields[name])
    other = f"; its file is called '{form.other_file}'" if form.other_file else ""
    return otherwise or f"The form has no part 'file' with the recording{other}."


def _why_text(name: str, text: str) -> str:
    if not text:
        return f"No file was chosen: the part '{name}' is empty."
    if len(text) <= PATH_CHARACTERS and text.isprintable():
        return (
            f"The part '{name}' holds no recording, but a short text, maybe a file's name. Send the file "
            f"itself; with curl, that is -F {name}=@PATH, with the @."
        )
    if BASE64.match(text):
        return (
            f"The part '{name}' holds a recording in base64. Send the bytes themselves, with filename=…, or "
            "the base64 as 'file' of a JSON object (application/json)."
        )
    return (
        f"The part '{name}' holds no recording: it has no file name, so it is read as text. Send it with "
        "filename=…."
    )
