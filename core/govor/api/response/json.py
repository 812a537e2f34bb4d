"""Answers in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from quart import Response

from govor.formats.openai import dump_json


def json_response(body: BaseModel | Mapping[str, object] | Sequence[object], status: int = 200) -> Response:
    """Return a body as JSON, with a final line break for terminals."""
    values = body.model_dump() if isinstance(body, BaseModel) else body
    return Response(dump_json(values) + "\n", status=status, content_type="application/json")
