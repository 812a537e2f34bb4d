"""The table [plugins.gigaam-onnx]."""

import pytest

import govor_gigaam_onnx
from govor import Feature
from govor_gigaam_onnx.settings import read_settings


def test_nothing_need_be_set():
    settings = read_settings({})
    assert (settings.precision, settings.threads, settings.max_symbols) == ("auto", 0, 10)


def test_a_model_of_ones_own_is_offered_from_its_folder():
    table = {"id": "phone", "folder": "/models/phone", "aliases": ["tel"], "languages": ["ru", "kk"]}
    spec = govor_gigaam_onnx.backend({"models": [table]}).models()[0]
    assert (spec.id, spec.folder, spec.aliases, spec.languages) == (
        "phone",
        "/models/phone",
        ("tel",),
        ("ru", "kk"),
    )
    assert spec.files == ()
    assert Feature.PUNCTUATION not in spec.features


def test_a_model_of_ones_own_may_write_punctuation():
    table = {"id": "phone", "folder": "/models/phone", "punctuation": True}
    spec = govor_gigaam_onnx.backend({"models": [table]}).models()[0]
    assert Feature.PUNCTUATION in spec.features


def test_precision_can_be_set_for_one_model():
    models = [{"id": "gigaam-v3-ctc", "precision": "fp32"}, {"id": "mine", "folder": "x"}]
    settings = read_settings({"precision": "original", "models": models})
    ids = ("gigaam-v3-ctc", "mine", "gigaam-v3-rnnt")
    assert [settings.precision_of(model) for model in ids] == ["fp32", "original", "original"]


def test_settings_of_a_known_model_add_none():
    plain = govor_gigaam_onnx.backend({}).models()
    assert govor_gigaam_onnx.backend({"models": [{"id": "gigaam-v3-ctc"}]}).models() == plain


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"precison": "int8"}, "precison"),
        ({"precision": "int4"}, "precision"),
        ({"threads": -1}, "threads"),
        ({"max_symbols": 0}, "max_symbols"),
        ({"models": [{"folder": "x"}]}, r"models\.0\.id"),
        ({"models": [{"id": "x", "folder": "y", "language": "ru"}]}, "language"),
        ({"models": [{"id": "gigaam-v9-ctc"}]}, "gigaam-v9-ctc: a model of your own needs a folder"),
    ],
)
def test_settings_that_make_no_sense_are_a_value_error(table, fault):
    with pytest.raises(ValueError, match=fault):
        govor_gigaam_onnx.backend(table)
