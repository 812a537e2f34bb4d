"""Parses a multipart/form-data body (RFC 7578) while it arrives. Knows nothing of HTTP.

No library found takes all that clients send: `multipart` 2.0 and `python-multipart` 0.0.34
refuse lines that end with LF alone, and each either white space after a boundary (RFC 2046, 5.1.1) or text
before the first one. Werkzeug's parser takes these, but no names that are not UTF-8, bounds no headers, and
3.1.9 adds a byte to a part if its last line arrives cut between CR and LF.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from enum import Enum, auto

from govor.api.body.part_headers import FormFault, Part, read_headers

HEADER_BYTES = 16_384
"""Most bytes of one part's headers; Node's http takes as many for a whole request."""

PREAMBLE_BYTES = 65_536
"""Most bytes before the first boundary; a longer preamble means another boundary, or none."""

PADDING_BYTES = 256
"""Most white space between a boundary and the end of its line."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_LINE_END = re.compile(rb"--|[ \t]*\r?\n")
_LINE_END_BEGUN = re.compile(rb"-|[ \t]*\r?")

Event = Part | bytes | None
"""The begin of a part, some of its content, or its end."""


class _State(Enum):
    PREAMBLE = auto()
    HEADERS = auto()
    BLANK = auto()
    """At the line break before the content, which may also be the one before a boundary."""
    CONTENT = auto()
    END = auto()


class FormParser:
    """Yields the parts of one form. Its methods raise FormFault."""

    def __init__(self, boundary: bytes):
        self._mark = b"\n--" + boundary
        self._rest = b"\n"  # so that a boundary may be in the first line
        self._state = _State.PREAMBLE
        self._skipped = 0

    @property
    def _line(self) -> str:
        return self._mark[1:].decode("latin-1")

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events of the next bytes. A possible beginning of a boundary waits for more."""
        data, self._rest = self._rest + data, b""
        at: int | None = 0
        while at is not None and self._state is not _State.END:
            if self._state is _State.HEADERS:
                at = yield from self._headers(data, at)
            else:
                at = yield from self._content(data, at)

    def close(self) -> None:
        """End the input."""
        if self._state is _State.PREAMBLE:
            raise FormFault(f"it has no line '{self._line}', the boundary that the content type states.")
        if self._state is not _State.END:
            raise FormFault(f"it ends early: its last line, '{self._line}--', is missing.")

    def _headers(self, data: bytes, at: int) -> Generator[Event, None, int | None]:
        if data.startswith((b"\n", b"\r\n"), at):
            head, blank = b"", data.index(b"\n", at)
        elif found := _BLANK_LINE.search(data, at):
            head, blank = data[at : found.start()], found.end() - 1
        else:
            head, blank = data[at:], None
            self._rest = head
        if len(head) > HEADER_BYTES:
            raise FormFault(f"a part of it has more than {HEADER_BYTES} bytes of headers.")
        if blank is not None:
            self._state = _State.BLANK
            yield read_headers(head)
        return blank

    def _content(self, data: bytes, at: int) -> Generator[Event, None, int | None]:
        """Yield the content up to the next boundary, or as much as is certainly not part of one."""
        preamble, blank = self._state is _State.PREAMBLE, self._state is _State.BLANK
        start = at + blank
        end, after, last = self._boundary(data, at)
        if preamble:
            self._skip(end - start)
        elif end > start:
            yield data[start:end]
        if after is not None:
            if not preamble:
                yield None
            self._state = _State.END if last else _State.HEADERS
        elif blank and end <= start:
            self._rest = data[at:]
        else:
            self._rest = data[end:]
            self._state = _State.CONTENT if blank else self._state
        return after

    def _boundary(self, data: bytes, at: int) -> tuple[int, int | None, bool]:
        """Return where the content ends or may end, where the boundary's line ends, and if it is the last.

        None for the second: the line is incomplete.
        """
        while (found := data.find(self._mark, at)) >= 0:
            after = found + len(self._mark)
            if ending := _LINE_END.match(data, after):
                return _before(data, found), ending.end(), ending[0] == b"--"
            tail = data[after : after + PADDING_BYTES + 1]
            if len(tail) <= PADDING_BYTES and _LINE_END_BEGUN.fullmatch(tail):
                return _before(data, found), None, False
            at = found + 1
        line = data.rfind(b"\n", max(at, len(data) - len(self._mark) + 1))
        if line >= 0 and self._mark.startswith(data[line:]):
            return _before(data, line), None, False
        return len(data) - data.endswith(b"\r"), None, False

    def _skip(self, count: int) -> None:
        self._skipped += count
        if self._skipped > PREAMBLE_BYTES:
            self.close()


def _before(data: bytes, line: int) -> int:
    """Return where the line break at `line` begins: it may have two bytes."""
    return line - (data[max(line - 1, 0)] == ord("\r"))
