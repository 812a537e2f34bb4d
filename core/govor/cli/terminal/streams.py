"""Standard input and output as the commands need them, whatever the program was started with."""

from __future__ import annotations

import codecs
import os
import sys
from io import TextIOWrapper
from typing import TextIO


def prepare_streams() -> None:
    """Open what was closed, and let every text be written in every locale. Idempotent."""
    _open_closed()
    sys.stdout = _writable(sys.stdout, 1)
    sys.stderr = _writable(sys.stderr, 2)


def _open_closed() -> None:
    """Open /dev/null in place of closed standard files.

    Otherwise the next socket or database gets their numbers, and a library that prints writes into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _writable(stream: TextIO | None, descriptor: int) -> TextIO:
    """Return the stream, or a new one if there is none, whose encoding refuses no letter.

    ASCII is what Python assumes if the locale states no encoding: UTF-8 is a better guess.
    """
    if stream is None:
        stream = open(descriptor, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(stream, TextIOWrapper):
        encoding = codecs.lookup(stream.encoding).name
        if encoding == "ascii":
            stream.reconfigure(encoding="utf-8", errors=stream.errors)
        elif encoding != "utf-8":
            stream.reconfigure(errors="backslashreplace")
        if stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    return stream
