"""Answers that a browser keeps as a file."""

from __future__ import annotations

import re
from urllib.parse import quote

from quart import Response

UNSAFE = re.compile(r"[^\w. -]")
NOT_ASCII = re.compile(r"[^ -~]")


def attach(response: Response, name: str) -> None:
    """Give an answer the name of a file; one beyond ASCII is spelled as in RFC 6266, and once without."""
    name = UNSAFE.sub("_", name)
    spellings = {"filename": name}
    if not name.isascii():
        spellings = {"filename": NOT_ASCII.sub("_", name), "filename*": f"UTF-8''{quote(name)}"}
    response.headers.set("Content-Disposition", "attachment", **spellings)
