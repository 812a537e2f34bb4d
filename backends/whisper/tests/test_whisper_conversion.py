"""Conversions with wrong small files are refused with a sentence; CTranslate2 would end the process."""

from __future__ import annotations

import json
import struct

import pytest

import govor
from govor_whisper.files.conversion import check_conversion
from govor_whisper.files.weights import Shape, read_shape

SHAPE = Shape(tokens=20, layers=2, heads=4, bands=80)
CONFIG = {
    "suppress_ids": [1, 19],
    "suppress_ids_begin": [0],
    "lang_ids": [15, 16],
    "alignment_heads": [[1, 3], [0, 0]],
}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
TOKENIZER = {
    "padding": None,
    "added_tokens": [{"id": 19, "content": "<|endoftext|>"}],
    "normalizer": None,
    "pre_tokenizer": BYTES,
    "decoder": BYTES,
    "model": {"type": "BPE", "vocab": {"a": 0, "Ġb": 1}, "merges": []},
}
GROWING = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1000}


def weights_of(shape=SHAPE, version=6):
    """Return a model.bin of this shape, with zeros for weights."""
    variables = [
        ("decoder/embeddings/weight", (shape.tokens, 2), bytes(2 * shape.tokens)),
        *((f"decoder/layer_{number}/ffn/linear_0/bias", (2,), bytes(2)) for number in range(shape.layers)),
        ("decoder/num_heads", (), struct.pack("<h", shape.heads)),
        ("encoder/conv1/weight", (2, shape.bands, 3), bytes(6 * shape.bands)),
    ]
    content = struct.pack("<I", version) + named("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, dimensions, data in variables:
        content += named(name) + struct.pack(f"<B{len(dimensions)}I", len(dimensions), *dimensions)
        content += struct.pack("<BI", 1, len(data)) + data
    return content + struct.pack("<I", 0)


def named(text):
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


@pytest.fixture
def folder(tmp_path):
    """A conversion without faults."""
    (tmp_path / "model.bin").write_bytes(weights_of())
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (tmp_path / "vocabulary.txt").write_text("token\n" * SHAPE.tokens)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80, "n_fft": 400}))
    return tmp_path


def refusal(folder):
    with pytest.raises(govor.LoadFailed) as caught:
        check_conversion("mine", folder)
    assert str(caught.value).startswith(f"The model 'mine' in {folder} is not loaded: ")
    return str(caught.value)


def test_a_conversion_in_which_everything_fits_passes(folder):
    check_conversion("mine", folder)


def test_the_embedded_model_passes_and_its_shape_is_read(weights):
    check_conversion("whisper-base", weights)
    assert read_shape(weights / "model.bin") == Shape(tokens=51_865, layers=6, heads=8, bands=80)


@pytest.mark.parametrize("key", ["suppress_ids", "suppress_ids_begin", "lang_ids"])
@pytest.mark.parametrize("token", [20, 10**9, -1, "1", True, 2**70, None])
def test_a_token_that_the_model_has_not_is_named(folder, key, token):
    (folder / "config.json").write_text(json.dumps({**CONFIG, key: [3, token]}))
    assert f"names the token {token!r} in {key}; the model has the tokens 0 to 19" in refusal(folder)


@pytest.mark.parametrize("pair", [[2, 0], [0, 4], [-1, 0], [0], [0, 0, 0], 7, ["0", 0]])
def test_a_head_that_the_decoder_has_not_is_named(folder, pair):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "alignment_heads": [[0, 0], pair]}))
    told = refusal(folder)
    assert f"names the head {pair!r} in alignment_heads; the decoder has 2 layers of 4 heads" in told


def test_a_config_without_these_lists_passes(folder):
    (folder / "config.json").write_text(json.dumps(dict.fromkeys(CONFIG)))
    check_conversion("mine", folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"lang_ids": 5}', '{"alignment_heads": []}', "[" * 100_000])
def test_a_config_of_another_form_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize("names", [19, 21])
def test_names_of_more_or_fewer_tokens_than_the_weights_have_are_refused(folder, names):
    (folder / "vocabulary.txt").write_text("token\n" * names)
    assert f"vocabulary.txt names {names} tokens; the model has 20" in refusal(folder)
    (folder / "vocabulary.txt").unlink()
    (folder / "vocabulary.json").write_text(json.dumps(["token"] * names))
    assert f"vocabulary.json names {names} tokens; the model has 20" in refusal(folder)


def test_a_conversion_without_names_is_refused(folder):
    (folder / "vocabulary.txt").unlink()
    assert "neither vocabulary.json nor vocabulary.txt" in refusal(folder)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"normalizer": GROWING}, "makes texts longer"),
        (
            {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, GROWING]}},
            "makes texts longer",
        ),
        ({"decoder": {"type": "Sequence", "decoders": [BYTES, GROWING]}}, "makes texts longer"),
        ({"normalizer": {**GROWING, "pattern": {"Regex": ""}}}, "makes texts longer"),
        ({"normalizer": {"type": "Prepend", "prepend": "a" * 10**6}}, "the normalizer 'Prepend'"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}}}, "the pre_tokenizer 'Split'"),
        ({"decoder": {"type": "WordPiece", "prefix": "##"}}, "the decoder 'WordPiece'"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 17}}, "of 17 parts"),
        ({"normalizer": 5}, "a part that is none"),
        ({"padding": {"strategy": {"Fixed": 300_000_000}}}, "pads texts to 300000000 tokens"),
        ({"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": 10**9}}, "pads texts to 1000000000"),
        ({"added_tokens": [{"id": 20, "content": "<|x|>"}]}, "gives '<|x|>' the id 20"),
        ({"model": {"type": "BPE", "vocab": {"a": -1}}}, "gives 'a' the id -1"),
        ({"model": {"type": "BPE", "vocab": {"a" * 5000: 1}}}, "longer than any"),
        ({"model": {"type": "Unigram", "vocab": []}}, "is no BPE"),
        ({"model": None}, "is no BPE"),
    ],
)
def test_a_tokenizer_that_makes_much_of_little_is_refused(folder, changed, told):
    (folder / "tokenizer.json").write_text(json.dumps({**TOKENIZER, **changed}))
    assert told in refusal(folder)


@pytest.mark.parametrize(
    "changed",
    [
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}},
        {"normalizer": {"type": "Replace", "pattern": {"String": "``"}, "content": '"'}},
        {"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": None, "pad_id": 0}},
        {"padding": {"strategy": {"Fixed": 448}}},
    ],
)
def test_a_tokenizer_that_keeps_texts_as_long_as_they_are_passes(folder, changed):
    (folder / "tokenizer.json").write_text(json.dumps({**TOKENIZER, **changed}))
    check_conversion("mine", folder)


@pytest.mark.parametrize(
    "config",
    [
        {"feature_size": 128},
        {"n_fft": 10**9},
        {"chunk_length": 10**6},
        {"sampling_rate": 8000},
        {"hop_length": 0},
    ],
)
def test_features_that_the_model_cannot_use_are_refused(folder, config):
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    assert f"preprocessor_config.json has {next(iter(config))} = " in refusal(folder)


def test_small_files_that_are_large_are_not_read(folder):
    with (folder / "tokenizer.json").open("wb") as file:
        file.truncate(10**12)
    assert "tokenizer.json is larger than 20 MB" in refusal(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        weights_of()[:200],
        weights_of(version=7),
        b"PK\x03\x04" * 50,
        struct.pack("<IHII", 6, 0, 3, 2**31),
    ],
)
def test_weights_that_are_none_are_refused(folder, content):
    (folder / "model.bin").write_bytes(content)
    assert "model.bin is incomplete, or holds no Whisper of CTranslate2" in refusal(folder)


def test_loading_checks_before_any_library_reads_the_files(family, base, weights, tmp_path):
    for file in weights.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "config.json").unlink()
    config = json.loads((weights / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "suppress_ids": [10**9]}))
    with pytest.raises(govor.LoadFailed, match="names the token 1000000000 in suppress_ids"):
        family.load(base, tmp_path, govor.RuntimeOptions("cpu"))
