"""The page on compatibility: each part that it claims exists, and each part that it denies does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from govor.api.audio.diarization import DiarizationFields
from govor.api.dialects.gigastt import Query
from govor.api.dialects.whisper_asr import AsrQuery
from govor.api.dialects.whispercpp import InferenceFields
from govor.api.request.fields import Fields
from govor.api.request.foreign_fields import KNOWN, UNNEEDED
from govor.api.request.spellings import OTHER_NAMES
from govor.app import create_app
from govor.engine.service import Service
from govor.formats.rendering.formats import MEDIA_TYPES
from govor.settings import Settings

ROUTE = re.compile(r"(GET|POST|DELETE|WS) (/[\w/{}-]*)")
PAGE = "docs/reference/compatibility.md"
READ = {
    *Fields.model_fields,
    *KNOWN,
    *UNNEEDED,
    *Query.model_fields,
    *InferenceFields.model_fields,
    *DiarizationFields.model_fields,
    *OTHER_NAMES,
    *AsrQuery.model_fields,
    "file",
    "hotwords",
}
"""Every field that some route reads."""


def routes(page: Any) -> Iterator[tuple[str, str, str]]:
    """Every method and path of the table of endpoints, with what is said of it."""
    for row in page.rows():
        if len(row) == 3:
            for method, path in ROUTE.findall(row[0]):
                yield method, path, row[2]


def test_routes_that_are_said_to_be_there_are_there_and_no_others(pages: dict[str, Any]) -> None:
    app = create_app(Service(Settings()))
    known = app.url_map.bind("localhost")
    told = list(routes(pages[PAGE]))
    assert len(told) > 25
    for method, path, said in told:
        there = method != "WS" and known.test(re.sub(r"\{\w+\}", "some/model", path), method)
        assert there == (not said.startswith("no")), f"{method} {path}: {said}"


def test_fields_that_are_said_to_be_done_are_read(pages: dict[str, Any]) -> None:
    section = pages[PAGE].prose.partition("## Fields of a request")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| (yes.*) \|$", section, re.MULTILINE)
    named = {
        name.partition("[")[0] for names, _ in rows for name in re.findall(r"`([\w\[\]]+)(?:=\w+)?`", names)
    }
    assert len(named) > 30
    assert named <= READ


@pytest.mark.parametrize("name", sorted(MEDIA_TYPES))
def test_every_format_is_named(pages: dict[str, Any], name: str) -> None:
    (row,) = [row for row in pages[PAGE].rows() if row[0] == "`response_format`"]
    assert f"`{name}`" in row[1]
