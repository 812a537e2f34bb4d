"""The stored form of a job's segments, and the form in which version 0.1 stored them."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel, ConfigDict

from govor.contract.results import Segment

OLD_IDS = "token_ids"
"""Only rows of version 0.1 have this key: the ids of tokens beside those with log-probabilities."""


class _Kept(BaseModel):
    """The stored form of a segment: floats are exact, and bytes need not be text."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")

    segment: Segment


def dump_segment(segment: Segment) -> str:
    """Return the stored form of a segment; numbers of numpy become Python's."""
    return _Kept(segment=segment).model_dump_json(warnings=False, exclude_defaults=True)


def load_segment(text: str) -> Segment:
    """Return the segment of a stored form. Raises ValueError."""
    if f'"{OLD_IDS}"' in text:
        text = _converted(text)
    return _Kept.model_validate_json(text).segment


def _converted(text: str) -> str:
    """Return the present form of a row of version 0.1; tokens without log-probability have no bytes there."""
    row = json.loads(text)
    segment = row.get("segment") if isinstance(row, dict) else None
    if isinstance(segment, dict) and OLD_IDS in segment:
        ids, told = segment.pop(OLD_IDS), segment["tokens"]
        if ids is not None or told is not None:
            matched = not told or not ids or len(told) == len(ids)
            segment["tokens"] = [
                {"id": number, **_told(token)}
                for number, token in zip_longest(ids if matched and ids else (), told or ())
            ]
    return json.dumps(row)


def _told(token: dict[str, Any] | None) -> dict[str, Any]:
    return {"data": ""} if token is None else {"data": token["data"], "logprob": token["logprob"]}
