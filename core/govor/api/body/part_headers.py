"""The headers of one part of a form: its name, its file name if it is a file, and its charset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1251", "windows-1252"})
"""Charsets that a part may state for its text; any other text is read as UTF-8."""

FILES = frozenset({"file", "audio_file"})
"""Names of parts with recordings, also whisper-asr-webservice's; one without file name may go by its type."""

_FOLD = re.compile(rb"\r?\n[ \t]+")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"(?=\s*(?:;|$))|"[^"]*"|[^;]*)')
_NAME = re.compile(r';\s*name\s*=\s*(?:"([^"]*)"|([^;]*))', re.IGNORECASE)


class FormFault(ValueError):
    """A form cannot be parsed; the message ends a sentence after "because"."""


@dataclass(frozen=True, slots=True)
class Part:
    """The headers of a part."""

    name: str
    """Empty: the part has none."""
    file_name: str | None
    """None: the part is no file."""
    charset: str
    media_type: str = ""
    """Content type as stated; empty: none is."""


def read_headers(head: bytes) -> Part:
    """Read the lines before the blank one. Raises FormFault if the part is not identified, or is encoded."""
    headers: dict[str, str] = {}
    for line in _FOLD.sub(b" ", head).split(b"\n"):
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    disposition = headers.get("content-disposition")
    if disposition is None:
        raise FormFault("a part of it has no header Content-Disposition.")
    given = _parameters(disposition)
    name = _text(given["name"] if "name" in given else _first_name(disposition))
    encoding = headers.get("content-transfer-encoding", "binary").lower()
    if encoding in ("base64", "quoted-printable"):
        raise FormFault(f"the part '{name[:40]}' is encoded in {encoding}; send the bytes themselves.")
    stated = headers.get("content-type", "")
    kind, charset = _media_type(stated)
    return Part(name, _file_name(name, given, kind), charset, stated)


def _file_name(name: str, given: dict[str, str], kind: str) -> str | None:
    """Return a file's name, "" if none is stated; None for a part that is text.

    A part without file name may still be a file by its content type. An empty file name makes a part a file
    only if the part's name is in FILES: some clients write an empty one for every field.
    """
    called = _text(given.get("filename", ""))
    if extended := given.get("filename*"):
        called = unquote_to_bytes(extended.rpartition("'")[2]).decode("utf-8", "replace") or called
    sound = kind.startswith(("audio/", "video/"))
    if called or sound or (name in FILES and ("filename" in given or kind == "application/octet-stream")):
        return re.split(r"[/\\]", called)[-1]
    return None


def _parameters(value: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, text in _PARAMETER.findall(value):
        inner = text[1:-1].replace('\\"', '"') if text.startswith('"') else text.strip()
        given.setdefault(name.lower(), inner)
    return given


def _first_name(disposition: str) -> str:
    """Return the name if a parameter before it cannot be parsed, such as a file name in a code page."""
    found = _NAME.search(disposition)
    return (found[1] or found[2] or "").strip() if found else ""


def _text(latin: str) -> str:
    """Decode a header's value as UTF-8, with a replacement character for each byte that is not."""
    return latin.encode("latin-1").decode("utf-8", "replace")


def _media_type(value: str) -> tuple[str, str]:
    kind, *parameters = value.lower().split(";")
    stated = (text.partition("=") for text in parameters)
    charset = next((text.strip(' "') for name, _, text in stated if name.strip() == "charset"), "")
    return kind.strip(), charset if charset in CHARSETS else "utf-8"
