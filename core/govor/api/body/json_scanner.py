"""Extracts a recording in base64 from a JSON object while it arrives; the rest is kept as text.

Knows nothing of HTTP. The loop runs once for each bracket, comma and quote of the rest, never over the
characters of the recording.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import IO

REST_BYTES = 1_000_000
"""Most bytes beside the recording; as many as the fields of a form may have."""

MARKS = 20_000
"""Most brackets, colons, commas and strings of the rest."""

DEPTH = 32
"""Most levels of nesting."""

PLACES = {(b"input_audio", b"data"): "input_audio.data", (b"file",): "file"}
"""Keys under which the recording may be, each with its name in errors."""
NESTED = max(map(len, PLACES))

_MARK = re.compile(rb'["{}\[\]:,]')
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_ESCAPES = (
    *((rb"\/", b"/"), (rb"\n", b""), (rb"\r", b"")),
    *((rb"\u002B", b"+"), (rb"\u002b", b"+"), (rb"\u002F", b"/"), (rb"\u002f", b"/")),
    *((rb"\u003D", b"="), (rb"\u003d", b"=")),
)
"""Escapes that libraries write for characters of base64: PHP for slashes, .NET for plus signs."""
_ESCAPE_BYTES = 6
_STANDARD = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"
_URL_BYTES = 256
"""Bytes within which a data URL must have its comma."""


class JsonFault(ValueError):
    """A body cannot be read; the message is a clause that follows "because"."""


class TooMuch(JsonFault):
    """The body exceeds a limit."""


class Scanner:
    """Separates one object's recording from the rest. Its methods raise JsonFault."""

    def __init__(self, open_file: Callable[[], IO[bytes]]):
        self.rest = bytearray()
        """The object, with an empty text in place of the recording."""
        self.file: IO[bytes] | None = None
        """File with the recording; None: there is none so far."""
        self.place = ""
        """Keys of the recording, as errors name them."""
        self._open_file = open_file
        self._sound: Base64 | None = None
        self._keys: list[bytes] = []  # one per level; those of lists have no meaning
        self._after_colon = False
        self._string_at: int | None = None  # where in `rest` the current string begins
        self._marks = 0
        self._pending = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; an incomplete escape waits for more."""
        data, self._pending = self._pending + data, b""
        at = 0
        while at < len(data):
            at = self._text(data, at) if self._string_at is not None else self._structure(data, at)
        if len(self.rest) > REST_BYTES:
            raise TooMuch(f"it has more than {REST_BYTES / 1e6:g} MB beside the recording")

    def close(self) -> None:
        """End the input."""
        if self._string_at is not None:
            raise JsonFault("it ends within a text")

    def _structure(self, data: bytes, at: int) -> int:
        found = _MARK.search(data, at)
        end = found.end() if found else len(data)
        self.rest += data[at:end]
        if found:
            self._marks += 1
            if self._marks > MARKS:
                raise TooMuch(f"it has more than {MARKS} brackets, commas and texts")
            self._take(found[0])
        return end

    def _take(self, mark: bytes) -> None:
        if mark in b"{[":
            self._keys.append(b"")
            if len(self._keys) > DEPTH:
                raise JsonFault(f"it is nested more than {DEPTH} deep")
        elif mark in b"}]" and self._keys:
            self._keys.pop()
        elif mark == b'"':
            self._string_at = len(self.rest)
            if self._after_colon and (place := PLACES.get(tuple(self._keys))):
                self._begin_sound(place)
        self._after_colon = mark == b":"

    def _begin_sound(self, place: str) -> None:
        if self.file is not None:
            twice = f"'{place}' twice" if place == self.place else f"'{self.place}' and '{place}'"
            raise JsonFault(f"it has {twice}")
        self.file, self.place = self._open_file(), place
        self._sound = Base64(self.file, place)

    def _text(self, data: bytes, at: int) -> int:
        """Take the string up to its closing quote, or as much of it as has arrived."""
        found = _IN_STRING.match(data, at)
        end = found.end() if found else at
        text = data[at:end]
        closed = data[end : end + 1] == b'"'
        if self._sound is not None:
            self._add_sound(self._sound, text, closed=closed)
        else:
            self.rest += text
        if closed:
            self._end_text()
            return end + 1
        self._pending += data[end:]  # a backslash
        return len(data)

    def _add_sound(self, sound: Base64, text: bytes, *, closed: bool) -> None:
        if not closed:  # an escape like `\u002B` may go on in the next bytes
            cut = text.rfind(b"\\", max(len(text) - _ESCAPE_BYTES + 1, 0))
            if cut >= 0:
                text, self._pending = text[:cut], text[cut:]
        if b"\\" in text:
            for escape, plain in _ESCAPES:
                text = text.replace(escape, plain)
        sound.feed(text)

    def _end_text(self) -> None:
        if self._sound is not None:
            self._sound.close()
            self._sound = None
        elif self._keys and self._string_at is not None and len(self._keys) <= NESTED:
            self._keys[-1] = bytes(self.rest[self._string_at :])  # if it is a key, the next mark is a colon
        self.rest += b'"'
        self._string_at = None


class Base64:
    """Decodes base64, or a data URL, into a file while it arrives. Raises JsonFault."""

    def __init__(self, into: IO[bytes], place: str):
        self._into = into
        self._place = place
        self._begin: bytes | None = b""  # kept until it is known whether this is a data URL
        self._rest = b""
        self._padded = False

    def feed(self, text: bytes) -> None:
        """Take the next characters."""
        if self._begin is not None:
            text = self._begin + text
            self._begin = None
            if b"data:".startswith(text[:5].lower()) and len(text) < _URL_BYTES and b"," not in text:
                self._begin = text
                return
            if text[:5].lower() == b"data:":
                comma = text.find(b",", 0, _URL_BYTES)
                if comma < 0:
                    raise self._no_comma()
                text = text[comma + 1 :]
        text = self._rest + text.translate(_STANDARD, _SPACE)
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        self._write(text[:whole])

    def close(self) -> None:
        """End the input; its padding may be missing."""
        if self._begin:
            if self._begin[:5].lower() == b"data:":
                raise self._no_comma()
            self._rest = self._begin
        if self._rest:
            self._write(self._rest + b"=" * (-len(self._rest) % 4))
        self._into.flush()

    def _no_comma(self) -> JsonFault:
        return JsonFault(f"the data URL in '{self._place}' has no comma within {_URL_BYTES} bytes")

    def _write(self, text: bytes) -> None:
        if not text:
            return
        try:
            if self._padded:
                raise JsonFault(f"'{self._place}' goes on behind its end")
            self._into.write(binascii.a2b_base64(text, strict_mode=True))
        except binascii.Error as error:
            raise JsonFault(f"'{self._place}' is not base64") from error
        self._padded = text.endswith(b"=")
