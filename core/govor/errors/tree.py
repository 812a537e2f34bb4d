"""One tree of errors. Each class states its HTTP status, OpenAI `type` and `code`.

Raised where the fact is known; turned once into a response, in api, and once into an exit code, in cli.
"""

from __future__ import annotations

import re

FOLDERS = re.compile(r"(?<![\w:/])/(?:[^\s/'\"]+/)+")
"""The way to a file on this machine; not that of a URL."""

LONGEST_REASON = 300
"""Letters of what a library says that are passed on."""


def reason(error: BaseException) -> str:
    """Return what went wrong, for clients: class and first line, without the folders of this machine."""
    text = FOLDERS.sub("…/", str(error).partition("\n")[0])[:LONGEST_REASON]
    return f"{type(error).__name__}: {text}"


class GovorError(Exception):
    """Something a person must be told. `str(error)` is the message; `param` names the request field."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.param, self.retry_after = param, retry_after  # seconds until a retry is sensible; None: unknown


class RequestError(GovorError):
    """The request is wrong and stays wrong when repeated."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_param"
