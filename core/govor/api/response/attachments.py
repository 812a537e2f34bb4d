"""Answers that a browser saves as a file."""

from __future__ import annotations

import re
from urllib.parse import quote

from quart import Response

UNSAFE = re.compile(r"[^\w. -]")
NOT_ASCII = re.compile(r"[^ -~]")


def attach(response: Response, name: str) -> None:
    """Set the file name of an answer; one beyond ASCII as in RFC 6266, with an ASCII version beside it."""
    name = UNSAFE.sub("_", name)
    spellings = {"filename": name}
    if not name.isascii():
        spellings = {"filename": NOT_ASCII.sub("_", name), "filename*": f"UTF-8''{quote(name)}"}
    response.headers.set("Content-Disposition", "attachment", **spellings)
