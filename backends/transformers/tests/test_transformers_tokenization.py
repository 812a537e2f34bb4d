"""A tokenizer that lengthens texts much is refused: Rust would end the process."""

from __future__ import annotations

import json

import pytest

import govor
from govor_transformers.files.tokenization import check_tokenizer

SPEC = govor.ModelSpec("mine")
GROWING = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1000}
SPACES = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}


def check(folder, **parts):
    (folder / "tokenizer.json").write_text(json.dumps(parts))
    check_tokenizer(SPEC, folder)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"normalizer": GROWING}, "its normalizer replaces text by longer text"),
        ({"decoder": {"type": "Sequence", "decoders": [SPACES, GROWING]}}, "its decoder replaces"),
        ({"normalizer": {**GROWING, "pattern": {"Regex": "."}}}, "its normalizer replaces"),
        ({"normalizer": {"type": "Prepend", "prepend": "a" * 65}}, "a prepend of over 64 letters"),
        ({"normalizer": {"type": "Sequence", "normalizers": [SPACES] * 33}}, "has 33 parts"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a" * 1001}}}, "a pattern of over 1000"),
        ({"padding": {"strategy": {"Fixed": 10**9}}}, "pads texts to 1000000000 tokens"),
        ({"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": 10**9}}, "pads texts"),
        ({"normalizer": "NFC"}, "a part that is none"),
    ],
)
def test_it_is_refused_with_the_reason(tmp_path, parts, told):
    with pytest.raises(govor.LoadFailed, match=told):
        check(tmp_path, **parts)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(govor.LoadFailed, match="'mine' is not loaded"):
        check_tokenizer(SPEC, tmp_path)


def test_one_of_a_terabyte_is_not_read(tmp_path):
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(govor.LoadFailed, match="larger than 64 MB"):
        check_tokenizer(SPEC, tmp_path)


def test_usual_ones_and_folders_without_one_pass(tmp_path):
    check_tokenizer(SPEC, tmp_path)
    check(
        tmp_path,
        normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, SPACES]},
        decoder={"type": "Sequence", "decoders": [SPACES, {"type": "Strip", "content": " "}]},
        padding={"strategy": "BatchLongest", "pad_to_multiple_of": None},
    )


def test_loading_looks_at_it_first(load, build, tmp_path):
    folder = tmp_path / "whisper"
    folder.mkdir()
    for file in build("whisper").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    found = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**found, "normalizer": GROWING}))
    with pytest.raises(govor.LoadFailed, match="replaces text by longer text"):
        load("whisper", folder)
