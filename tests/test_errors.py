"""Error messages that a person can act on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, FilePath, ValidationError

from govor.errors import ModelNotFound
from govor.errors.values import fault_of

KNOWN = [f"model-{number}" for number in range(60)]


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    message = str(ModelNotFound("whisper-bse", ["echo", "whisper-base"]))
    assert message == (
        "The model 'whisper-bse' does not exist. Did you mean 'whisper-base'? Available: echo, whisper-base."
    )


def test_a_long_list_and_a_long_name_are_cut() -> None:
    message = str(ModelNotFound("x" * 5000, KNOWN))
    assert message.endswith("model-18, model-19 and 40 more.")
    assert len(message) < 500


def test_without_models_there_is_nothing_to_suggest() -> None:
    message = str(ModelNotFound("x", [], "is not in memory"))
    assert message == "The model 'x' is not in memory. Available: none."


def test_an_install_without_any_backend_says_how_to_add_one() -> None:
    message = str(ModelNotFound("whisper-base", []))
    assert message.startswith("The model 'whisper-base' does not exist. Available: none. No plugin that has")
    assert "`govor plugins`" in message
    assert "`pip install 'govor[default]'`" in message
    assert "`pip install ./backends/whisper ./backends/silero`" in message


def test_a_model_that_is_not_installed_is_suggested_with_how_to_fetch_it() -> None:
    message = str(ModelNotFound("whisper-smal", ["whisper-base"], fetchable=["whisper-small"]))
    assert "Did you mean 'whisper-small'? It is not installed: `govor pull whisper-small` fetches" in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("whisper", "whisper-base"),
        ("wisper", "whisper-base"),
        ("whisper-b", "whisper-base"),
        ("whisper-tyni", "whisper-tiny"),
        ("gigaam", "gigaam-v3-ctc"),
    ],
)
def test_of_equally_similar_models_an_installed_one_is_suggested(name: str, meant: str) -> None:
    away = ["whisper-tiny", "whisper-small", "gigaam-v3-ctc"]
    message = str(ModelNotFound(name, ["echo", "whisper-base"], fetchable=away))
    assert f"Did you mean '{meant}'?" in message


def test_the_family_whose_name_was_given_is_listed_first() -> None:
    message = str(ModelNotFound("whisper", ["echo", "whisper-base", *KNOWN, "whisper-tiny"]))
    assert "Did you mean 'whisper-base'? Available: whisper-base, whisper-tiny, echo, model-0" in message


def test_a_plugin_that_failed_is_named_where_a_model_is_missing() -> None:
    message = str(ModelNotFound("whisper-base", [], failed=["whisper"]))
    assert "The models of the plugin 'whisper' are missing, as it failed" in message
    assert "pip install" not in message


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")

    flag: bool = False
    count: int = Field(1, ge=1, le=9)
    share: float = Field(0.5, gt=0, lt=1, allow_inf_nan=False)
    name: str = Field("a", min_length=1, max_length=3, pattern="^[a-z]+$")
    kind: Literal["a", "b"] = "a"
    names: tuple[str, ...] = Field((), max_length=1)
    table: dict[str, int] = {}
    other: set[int] = set()
    path: FilePath | None = None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"flag": "perhaps"}, "'flag' must be true or false"),
        ({"flag": []}, "'flag' must be true or false"),
        ({"count": "many"}, "'count' must be a whole number"),
        ({"count": 1.5}, "'count' must be a whole number"),
        ({"count": 0}, "'count' must be 1 or more"),
        ({"count": 10}, "'count' must be 9 or less"),
        ({"share": 0}, "'share' must be more than 0.0"),
        ({"share": 1}, "'share' must be less than 1.0"),
        ({"share": "x"}, "'share' must be a number"),
        ({"share": "nan"}, "'share' must be a finite number"),
        ({"name": ""}, "'name' must not be empty"),
        ({"name": "abcd"}, "'name' must have 3 letters or fewer"),
        ({"name": "1"}, "'name' must match ^[a-z]+$"),
        ({"name": 1}, "'name' must be text"),
        ({"kind": "c"}, "'kind' must be 'a' or 'b'"),
        ({"names": ["a", "b"]}, "'names' must have 1 items or fewer"),
        ({"names": 1}, "'names' must be a list"),
        ({"table": 1}, "'table' must be a table"),
        ({"table": {"a": "x"}}, "'table.a' must be a whole number"),
        ({"other": 1}, "'other' must be a list"),
        ({"path": "/none"}, "'path' is no file"),
        ({"strange": 1}, "'strange' is not known"),
    ],
)
def test_a_wrong_value_is_described_in_plain_words(value: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Shape.model_validate(value)
    (item,) = caught.value.errors()
    assert fault_of(item) == told


def test_an_unforeseen_kind_of_fault_has_words_too() -> None:
    item = {"type": "quite_new", "loc": ("a",), "msg": "Input should be new"}
    assert fault_of(item) == "'a' has a value that it cannot have"


def test_only_one_module_reads_the_words_of_pydantic(root: Path) -> None:
    words = re.compile(r"\[[\"']msg[\"']\]")
    readers = [path.name for path in (root / "core").rglob("*.py") if words.search(path.read_text("utf-8"))]
    assert readers == ["values.py"]
