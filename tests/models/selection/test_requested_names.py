"""Clients that compare names find the one that they sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from govor.contract.models import ModelSpec
from govor.models.catalogue import Model
from govor.models.selection.requested_names import MOST, RequestedNames, answering_id
from govor.testing import FakeBackend

SPEC = ModelSpec("base")
MODEL = Model("base", "fake", SPEC, FakeBackend(SPEC), ("Owner/base", "mine"))


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("Owner/base", "Owner/base"), ("owner/BASE", "owner/BASE"), ("mine", "mine"), ("base", "base")],
)
def test_an_alias_of_its_own_is_the_id_that_answers(asked: str, answered: str) -> None:
    assert answering_id(asked, MODEL) == answered


@pytest.mark.parametrize("asked", ["", "default", "whisper-1", "fake/base", "BASE"])
def test_any_other_name_is_answered_by_the_id(asked: str) -> None:
    assert answering_id(asked, MODEL) == "base"


def test_a_model_has_the_names_it_was_asked_by_the_latest_last() -> None:
    names = RequestedNames()
    assert names.of(MODEL) == ["base"]
    for asked in ("mine", "Owner/base", "mine"):
        names.note(asked, MODEL)
    assert names.of(MODEL) == ["Owner/base", "mine"]


@pytest.mark.parametrize("what", ["unloaded", "expired", "evicted"])
def test_names_are_forgotten_when_the_model_leaves_memory(what: str) -> None:
    names = RequestedNames()
    names.note("mine", MODEL)
    names.moved("reloaded", "base", 1.0)
    assert names.of(MODEL) == ["mine"]
    names.moved(what, "base", None)
    assert names.of(MODEL) == ["base"]


def test_only_so_many_names_are_kept() -> None:
    names = RequestedNames()
    model = replace(MODEL, aliases=tuple(f"name{number}" for number in range(100)))
    for alias in model.aliases:
        names.note(alias, model)
    assert names.of(model) == list(model.aliases[-MOST:])
