"""Answers to requests that reach no route, in the form of the API's errors."""

from __future__ import annotations

from dataclasses import dataclass

from govor.errors import GovorError
from govor.formats.openai import dump_json, error_body

CODES = {408: "request_timeout", 431: "headers_too_large"}
"""Error codes of statuses with a code of their own; all others are invalid HTTP."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer, as both versions of HTTP send it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def refusal(status: int, message: str) -> Refusal:
    """Return an answer with the message."""
    error = GovorError(message)
    error.status, error.code, error.type = status, CODES.get(status, "bad_request"), "invalid_request_error"
    body = f"{dump_json({'error': error_body(error)})}\n".encode("utf-8", "replace")
    length = str(len(body)).encode()
    return Refusal(status, [(b"content-type", b"application/json"), (b"content-length", length)], body)
