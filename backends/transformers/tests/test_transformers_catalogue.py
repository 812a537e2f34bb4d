"""The known models, the files of a repository that they need, and the operator's tables."""

import pytest

pytest.importorskip("govor_transformers", reason="govor-transformers is not installed")

import govor
import govor_transformers
from govor import Feature
from govor_transformers.files.repository import chosen_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def family(*tables):
    return govor_transformers.backend({"models": list(tables)})


def spec_of(table):
    return family(table).models()[0]


def test_no_model_takes_a_name_of_another_plugin():
    specs = family().models()
    assert not any(spec.aliases for spec in specs)
    assert not [
        spec.id
        for spec in specs
        if spec.id.startswith(("whisper", "distil", "moonshine")) and "-torch" not in spec.id
    ]


def test_known_models_are_repositories_whose_files_the_core_lists():
    assert all(spec.repository and not spec.files for spec in family().models())


def test_a_whole_file_is_taken_before_parts_and_copies_of_it():
    names = [
        "config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors",
        "model.fp32.safetensors", "model-00001-of-00002.safetensors", "pytorch_model.bin", "README.md",
        "modeling_own.py",
    ]  # fmt: skip
    assert chosen_files(names) == (
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "model.safetensors",
    )


def test_parts_are_taken_with_their_index():
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = "model.safetensors.index.json"
    names = ["config.json", "processor_config.json", "tekken.json", "consolidated.safetensors", index, *parts]
    assert set(chosen_files(names)) == set(names) - {"consolidated.safetensors"}


def test_a_repository_of_pickles_is_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"pickles only \(pytorch_model\.bin\).*takes safetensors"):
        chosen_files(["config.json", "preprocessor_config.json", "pytorch_model.bin"])


@pytest.mark.parametrize(
    "names",
    [
        ["config.json", "model.bin", "tokenizer.json", "preprocessor_config.json"],  # for CTranslate2
        ["config.json", "model.safetensors"],  # a model of text
        ["v3_ctc.onnx"],
    ],
)
def test_repositories_of_other_families_are_left_alone(names):
    assert chosen_files(names) == ()


def test_a_repository_is_declared():
    spec = spec_of({"id": "mine", "repository": "owner/whisper-mine", "revision": "v2", "languages": ["ru"]})
    assert (spec.repository, spec.files, spec.languages) == ("owner/whisper-mine@v2", (), ("ru",))
    assert Feature.TRANSLATE in spec.features


def test_adapters_are_fetched_for_the_languages_stated_only():
    spec = spec_of({"id": "mms", "repository": "facebook/mms-1b-all", "adapters": {"ru": "rus", "en": "eng"}})
    names = [file.name for file in spec.files]
    assert [name for name in names if name.startswith("adapter")] == [
        "adapter.rus.safetensors", "adapter.eng.safetensors"
    ]  # fmt: skip
    assert (spec.languages, spec.repository) == (("ru", "en"), "")
    assert spec.files[0].sources == ("hf:facebook/mms-1b-all@main/config.json",)


def test_an_adopted_model_gets_what_its_name_suggests():
    adopted = family().adopt(govor.ModelSpec("owner/wav2vec2-ru", repository="owner/wav2vec2-ru@main"))
    assert (adopted.features, adopted.max_seconds) == ({Feature.WORDS, Feature.LOGPROBS}, 60)
    unknown = family().adopt(govor.ModelSpec("owner/speech", repository="owner/speech@main"))
    assert (unknown.features, unknown.max_seconds) == (frozenset(), 30)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"id": "a"}, "either repository or folder"),
        ({"id": "a", "repository": "o/r", "folder": "/x"}, "either repository or folder"),
        ({"id": "a", "folder": "/x", "files": ["b"]}, "belong to a repository"),
        ({"id": "a", "repository": "o/r", "trust_remote_code": True}, "must be the commit"),
        (
            {"id": "a", "repository": "o/r", "revision": COMMIT, "trust_remote_code": True},
            "name all its files",
        ),
        ({"id": "a", "folder": "/x", "family": "llama"}, "family"),
        ({"id": "a", "folder": "/x", "features": ["flight"]}, "flight"),
    ],
)
def test_a_wrong_table_is_refused_with_the_reason(table, fault):
    with pytest.raises(ValueError, match=fault):
        family(table)
