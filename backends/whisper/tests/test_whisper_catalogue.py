import re
import subprocess
import sys

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from faster_whisper.utils import _MODELS

import govor_whisper
from govor import Feature


@pytest.fixture(scope="module")
def models(family):
    return {spec.id: spec for spec in family.models()}


@pytest.fixture(scope="module")
def names(models):
    return [(name, spec.id) for spec in models.values() for name in (spec.id, *spec.aliases)]


def test_importing_the_plugin_and_listing_models_imports_no_heavy_library():
    code = (
        "import sys, govor_whisper; govor_whisper.backend({}).models(); "
        "print({'faster_whisper', 'ctranslate2', 'onnxruntime', 'tokenizers', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_no_name_leads_to_two_models(names):
    assert len({name.casefold() for name, _ in names}) == len(names)


def test_every_name_that_faster_whisper_knows_leads_to_the_same_model_as_its_repository(names):
    leads = dict(names)
    assert {short: leads[short] for short in _MODELS} == {short: leads[_MODELS[short]] for short in _MODELS}


def test_every_language_is_one_that_whisper_has_a_token_for(models):
    written = {"jw" if code == "jv" else code for code in models["whisper-large-v3"].languages}
    assert written == set(_LANGUAGE_CODES)
    assert set(models["whisper-base"].languages) == set(models["whisper-large-v3"].languages) - {"yue"}


@pytest.mark.parametrize("model", ["whisper-base.en", "whisper-distil-large-v3"])
def test_english_models_neither_detect_nor_translate(models, model):
    assert models[model].languages == ("en",)
    assert not models[model].features & {Feature.DETECT, Feature.TRANSLATE}


def test_turbo_detects_but_does_not_translate(models):
    features = models["whisper-large-v3-turbo"].features
    assert Feature.DETECT in features
    assert Feature.TRANSLATE not in features


def test_every_model_lists_what_faster_whisper_reads(models):
    for spec in models.values():
        files = {file.name for file in spec.files}
        newer = "large-v3" in spec.id or "distil" in spec.id
        rest = {"vocabulary.json", "preprocessor_config.json"} if newer else {"vocabulary.txt"}
        assert files == {"config.json", "model.bin", "tokenizer.json"} | rest, spec.id


def test_every_file_comes_from_one_fixed_commit_and_sums_are_whole(models):
    for file in (file for spec in models.values() for file in spec.files):
        assert re.fullmatch(rf"hf:[\w.-]+/[\w.-]+@[0-9a-f]{{40}}/{re.escape(file.name)}", file.sources[-1])
        assert re.fullmatch(r"([0-9a-f]{64})?", file.sha256)


def test_only_base_is_looked_for_in_packages_and_there_first(models):
    packaged = {
        spec.id
        for spec in models.values()
        for file in spec.files
        if any(source.startswith("package:") for source in file.sources)
    }
    assert packaged == {"whisper-base"}
    assert all(file.sources[0].startswith("package:") for file in models["whisper-base"].files)


def test_the_longest_chunk_is_the_operators():
    specs = govor_whisper.backend({"max_stretch_seconds": "90"}).models()
    assert {spec.max_seconds for spec in specs} == {90}


def test_settings_may_come_as_strings():
    settings = govor_whisper.read_settings({"beam_size": "2", "temperature_fallback": "false"})
    assert (settings.beam_size, settings.temperature_fallback) == (2, False)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"beam_size": 0}, r"beam_size\n.*greater than or equal to 1"),
        ({"compute_type": "int4"}, r"compute_type\n.*'float16'"),
        ({"workers": "many", "colour": 1}, r"workers\n(.*\n)+colour\n.*Extra inputs are not permitted"),
    ],
)
def test_a_wrong_table_is_a_value_error_that_names_the_keys(table, said):
    with pytest.raises(ValueError, match=said):
        govor_whisper.backend(table)
