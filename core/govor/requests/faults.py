"""Errors of pydantic as errors of a request."""

from __future__ import annotations

from pydantic import ValidationError

from govor.errors import InvalidParam
from govor.errors.values import fault_of

ALTERNATIVES = ("ServerVad", "literal['auto']")  # pydantic's names for the alternatives of chunking_strategy


def invalid(error: ValidationError) -> InvalidParam:
    """Return an error with the field and its fault; if no alternative fits, for the nearest one."""
    faults = error.errors(include_url=False, include_input=False)
    nearest = max(faults, key=lambda item: len(item["loc"]))
    path = [str(part) for part in nearest["loc"] if part not in ALTERNATIVES and not isinstance(part, int)]
    message = fault_of({**nearest, "loc": [".".join(path)[:80]]})
    return InvalidParam(f"{message}.", param=path[0][:80])
