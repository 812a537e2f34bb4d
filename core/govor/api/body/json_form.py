"""A transcription request in JSON, with the recording in base64: OpenRouter's variant of OpenAI's route."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from werkzeug.datastructures import MultiDict

from govor.api.body.form import Form
from govor.api.body.json_scanner import JsonFault, Scanner, TooMuch
from govor.api.body.reading import current_body
from govor.api.body.uploads import current_spool
from govor.errors import InvalidParam, MissingFile, PayloadTooLarge
from govor.plain import json_fault, with_whole_letters

JSON = "application/json"
SOUND = "input_audio"
FILE = "file"
"""Key of the recording for Polza.ai, and for clients that write a form's fields as JSON."""
WITHOUT = (
    'The JSON has no recording: send {"input_audio": {"data": BASE64, "format": "wav"}}, or a form '
    "(multipart/form-data) with a 'file'."
)


async def read_json_form() -> Form:
    """Return the current request's JSON as the equivalent form.

    Raises InvalidParam, MissingFile, PayloadTooLarge, UploadStalled.
    """
    scanner = Scanner(current_spool().open)
    try:
        async for piece in current_body():
            scanner.feed(piece)
        scanner.close()
        body = await asyncio.to_thread(json.loads, bytes(scanner.rest))
    except TooMuch as fault:
        raise PayloadTooLarge(f"The JSON cannot be read, because {fault}.") from fault
    except JsonFault as fault:
        where = FILE if scanner.place == FILE else SOUND
        raise InvalidParam(f"The JSON cannot be read, because {fault}.", param=where) from fault
    except (ValueError, RecursionError) as error:
        raise InvalidParam(f"The body is not JSON that can be read: {json_fault(error)}.") from error
    if not isinstance(body, dict):
        raise InvalidParam("The JSON is not an object.")
    sound = body.pop(SOUND, None)
    at_once = body.pop(FILE, None) is not None and scanner.place == FILE
    form = Form(_fields(body))
    path = Path(scanner.file.name) if scanner.file is not None else None
    if path is not None and (isinstance(sound, dict) or (at_once and path.stat().st_size)):
        form.path = path
        stated = "" if at_once else sound.get("format")
        form.media_type = f"audio/{with_whole_letters(str(stated or ''))}"
    elif not form.fields.get("file_url"):
        raise MissingFile(WITHOUT, param=SOUND)
    return form


def _fields(body: dict[str, Any]) -> MultiDict[str, str]:
    """Convert an object to form fields: null is left out, a list becomes a repeated field."""
    fields: MultiDict[str, str] = MultiDict()
    for name, value in body.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
                fields.add(with_whole_letters(name), with_whole_letters(text))
    return fields
