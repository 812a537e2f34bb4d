"""What the suite says to the author of a backend that does not keep the contract."""

from __future__ import annotations

import pytest

from govor.specs import ModelFile, ModelSpec
from govor.testing.faults import file_faults
from govor.testing.subject import only

SHA256 = "0" * 64


def faults(source: str, sha256: str = SHA256) -> list[str]:
    return file_faults(ModelSpec("small", (ModelFile("weights.bin", (source,), 1, sha256),)))


@pytest.mark.parametrize(
    "source",
    [
        "package:dist/weights.1+other:weights.2",
        "hf:owner/small@main/weights.bin",
        "https://models.example/weights.bin",
        "http://models.example/weights.bin",
    ],
)
def test_every_kind_of_source_that_the_core_takes_is_taken(source: str) -> None:
    assert faults(source) == []


def test_a_plain_address_needs_a_checksum() -> None:
    (fault,) = faults("http://models.example/weights.bin", "")
    assert fault.endswith("http://… needs a sha256")


@pytest.mark.parametrize(
    "source", ["hf:small@main/weights.bin", "package:dist", "ftp://models.example/weights.bin"]
)
def test_a_mistyped_source_is_shown_with_what_can_be_written(source: str) -> None:
    (fault,) = faults(source)
    assert f"'{source}': write package:DIST/PATH" in fault


def test_an_answer_that_is_no_segment_is_shown() -> None:
    with pytest.raises(AssertionError, match=r"gave 'words', not a govor\.Segment"):
        only(["words"])  # type: ignore[list-item]
