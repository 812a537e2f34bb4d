"""The base classes of all errors. Each class states its HTTP status, OpenAI `type` and `code`.

Errors are raised where the fault is known; api turns them into responses, and cli into exit codes.
"""

from __future__ import annotations

import re

FOLDERS = re.compile(r"(?<![\w:/])/(?:[^\s/'\"]+/)+")
"""The folders of a file path on this machine, but not those of a URL."""

LONGEST_REASON = 300
"""Characters of a library's message that are passed on."""


def reason(error: BaseException) -> str:
    """Return an error's class and first line, for clients, without the folders of this machine."""
    text = FOLDERS.sub("…/", str(error).partition("\n")[0])[:LONGEST_REASON]
    return f"{type(error).__name__}: {text}"


class GovorError(Exception):
    """An error that a user sees. `str(error)` is the message; `param` names the request field."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.param, self.retry_after = param, retry_after  # seconds until a retry is sensible; None: unknown


class RequestError(GovorError):
    """The request is wrong; a repetition fails too."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_param"
