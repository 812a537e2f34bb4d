"""Reads a form while it arrives: text into memory, one recording to disk, within common limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl

from quart import request
from werkzeug.datastructures import MultiDict

from govor.api.body.multipart import FormParser
from govor.api.body.part_headers import FormFault, Part
from govor.api.body.reading import current_body
from govor.api.body.uploads import current_spool
from govor.errors import InvalidParam, PayloadTooLarge

FORM = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

PARTS = 1000
"""Most parts of a form."""
TEXT_BYTES = 1_000_000
"""Most bytes of all fields together, their names included; Django's limit for the same is 2.5 MB."""

OWN_BYTES = {"known_speaker_references": 12_000_000}
"""Limits of fields with audio, all of one name together: four times 10 s of 48 kHz stereo are 10.3 MB."""

VERBATIM = frozenset({"prompt", "keywords", "hotwords"})
"""Fields in which white space at the ends has a meaning."""

BOUNDARY_BYTES = 256
"""RFC 2046 allows 70."""

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.IGNORECASE)


@dataclass(slots=True, weakref_slot=True)
class Form:
    """Fields of a form, and its recording."""

    fields: MultiDict[str, str] = field(default_factory=MultiDict)
    path: Path | None = None
    """Path of the spooled recording; None: there is none."""
    file_name: str = ""
    """The client's name for the recording."""
    media_type: str = ""
    """Content type that the client states."""
    other_file: str = ""
    """Name of a part that is a file, but not the recording."""
    unchosen: str = ""
    """Name of an empty part for the recording, without file name: pages send one if no file was chosen."""


async def read_form_body(wanted: Callable[[str], bool] = lambda name: False) -> Form:
    """Read the current request's form; the first file whose part has a wanted name is spooled to disk.

    Raises InvalidParam if the body is no form, PayloadTooLarge, UploadStalled.
    """
    parser, reader = FormParser(boundary()), _Reader(wanted)
    try:
        async for piece in current_body():
            for event in parser.feed(piece):
                reader.take(event)
        parser.close()
    except FormFault as fault:
        raise InvalidParam(f"The form cannot be parsed, because {fault}") from fault
    return reader.form


async def read_fields() -> dict[str, str]:
    """Read the fields of a form without files, multipart or urlencoded; the last of each name counts."""
    if request.mimetype == FORM:
        return {name: texts[-1] for name, texts in (await read_form_body()).fields.lists()}
    return urlencoded(await current_body().read())


async def read_urlencoded_form() -> Form:
    """Read the current request's urlencoded form. Raises PayloadTooLarge, UploadStalled."""
    body = bytearray()
    async for piece in current_body():
        body += piece
        if len(body) > TEXT_BYTES:
            raise PayloadTooLarge(f"An urlencoded form may have {TEXT_BYTES / 1e6:g} MB.")
    pairs = _pairs(bytes(body))
    return Form(MultiDict((name, text if _plain(name) in VERBATIM else text.strip()) for name, text in pairs))


def urlencoded(body: bytes) -> dict[str, str]:
    """Return the fields of an urlencoded form; the last of each name counts. Raises PayloadTooLarge."""
    return dict(_pairs(body))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), max_num_fields=PARTS)
    except ValueError as error:
        raise _too_many() from error


def boundary() -> bytes:
    """Return the boundary between the parts, from the content type. Raises InvalidParam.

    Without quotation marks it may have any character up to a semicolon: Java's and Python's mailers write so.
    """
    found = _BOUNDARY.search(request.headers.get("Content-Type", ""))
    quoted, plain = found.groups() if found else (None, "")
    text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip().strip('"')
    if not text or "\n" in text:
        raise InvalidParam("The content type has no boundary; let your HTTP library set the header.")
    encoded: bytes = text.encode("latin-1", "replace")
    if len(encoded) > BOUNDARY_BYTES:
        raise InvalidParam(f"The boundary has {len(encoded)} bytes; it may have {BOUNDARY_BYTES}.")
    return encoded


class _Reader:
    """Builds a form from the parser's events."""

    def __init__(self, wanted: Callable[[str], bool]):
        self.form = Form()
        self._wanted = wanted
        self._part = Part("", None, "utf-8")
        self._into: IO[bytes] | bytearray | None = None
        self._parts = 0
        self._bytes: dict[str, int] = {}

    def take(self, event: Part | bytes | None) -> None:
        """Take one event. Raises PayloadTooLarge, InvalidParam."""
        if event is None:
            self._finish()
        elif isinstance(event, Part):
            self._begin(event)
        elif isinstance(self._into, bytearray):
            self._count(len(event))
            self._into += event
        elif self._into is not None:
            self._into.write(event)

    def _begin(self, part: Part) -> None:
        self._part, self._into = part, None
        self._parts += 1
        if self._parts > PARTS:
            raise _too_many()
        self._count(len(part.name), "")
        if part.file_name is None:
            self._into = bytearray() if part.name else None
        elif self.form.path is None and self._wanted(part.name):
            self._into = current_spool().open()
            self.form.path, self.form.file_name = Path(str(self._into.name)), part.file_name
            self.form.media_type = part.media_type
        elif not self._wanted(part.name):
            self.form.other_file = part.name[:40]

    def _finish(self) -> None:
        content, name = self._into, self._part.name
        self._into = None
        if isinstance(content, bytearray):
            self.form.fields.add(name, self._text(content))
        elif content is not None and not self.form.file_name and not content.tell():
            self.form.path, self.form.unchosen = None, name[:40]
        elif content is not None:
            content.flush()

    def _text(self, content: bytearray) -> str:
        name = _plain(self._part.name)
        if name in OWN_BYTES:
            with suppress(UnicodeDecodeError):
                return content.decode("ascii")
            raise InvalidParam(f"'{name}' holds data URLs, which are ASCII.", param=name)
        text = content.decode(self._part.charset, "replace")
        return text if name in VERBATIM else text.strip()

    def _count(self, size: int, name: str | None = None) -> None:
        """Count bytes of the field, if it has a limit of its own, or of all other fields together."""
        name = _plain(self._part.name) if name is None else name
        account = name if name in OWN_BYTES else ""
        limit = OWN_BYTES.get(account, TEXT_BYTES)
        self._bytes[account] = self._bytes.get(account, 0) + size
        if self._bytes[account] > limit:
            what = f"'{account}' of the form has" if account else "The text fields of the form have together"
            raise PayloadTooLarge(f"{what} more than {limit / 1e6:g} MB.", param=account or None)


def _plain(name: str) -> str:
    """Return a field's name without brackets behind it."""
    return name.partition("[")[0]


def _too_many() -> PayloadTooLarge:
    return PayloadTooLarge(f"The form has more than {PARTS} fields.")
