"""The errors that each route can answer with, for /openapi.json: by status, with codes and meanings.

Tests send many wrong requests to every route, and compare the errors with this list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from govor import errors
from govor.api.body.reading import BODY_ERRORS
from govor.api.http.auth import guard_errors
from govor.api.http.errors import in_dialect, is_flat
from govor.api.response.declared_errors import declared_errors


def refusals(method: str, path: str, view: Callable[..., Any]) -> dict[str, Any]:
    """Return a route's error answers for OpenAPI, by status, without the framework's own errors."""
    kinds: set[type[errors.GovorError]] = {
        errors.GovorError,
        *declared_errors(view),
        *guard_errors(method, path),
    }
    if method == "POST":
        kinds |= set(BODY_ERRORS)
    by_status: dict[int, dict[str, str]] = {}
    for status, code, meaning in sorted(_code_and_meaning(path, kind) for kind in kinds):
        by_status.setdefault(status, {}).setdefault(code, meaning)
    return {str(status): _answer(path, codes) for status, codes in by_status.items()}


def all_kinds(kind: type[errors.GovorError] = errors.GovorError) -> Iterator[type[errors.GovorError]]:
    """Yield all kinds of errors, except the one that keeps the server from starting."""
    if kind is not errors.ConfigurationError:
        yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith(errors.__name__):
            yield from all_kinds(child)


def _code_and_meaning(path: str, kind: type[errors.GovorError]) -> tuple[int, str, str]:
    """Return status, code and meaning of an error in the dialect of a path."""
    example = errors.GovorError("")
    example.status, example.code = kind.status, kind.code
    status, body, _ = in_dialect(path, example)
    code = str(body["code"]) if is_flat(path) else kind.code
    meaning = (kind.__doc__ or "").partition("\n")[0]
    return status, code, "The server failed; its log says more." if kind is errors.GovorError else meaning


def _answer(path: str, codes: dict[str, str]) -> dict[str, Any]:
    name = "FlatError" if is_flat(path) else "ErrorBody"
    return {
        "description": "\n\n".join(f"`{code}`: {meaning}" for code, meaning in codes.items()),
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }
