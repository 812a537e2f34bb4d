import re
import subprocess
import sys

import pytest

from govor import Feature

plugin = pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")
settings_of = pytest.importorskip("govor_gigaam_torch.settings")


def models(**table):
    return {spec.id: spec for spec in plugin.backend(table).models()}


@pytest.fixture
def published():
    return models()


def test_importing_the_plugin_and_listing_models_imports_no_heavy_library():
    code = (
        "import sys, govor_gigaam_torch; govor_gigaam_torch.backend({}).models(); "
        "print({'torch', 'sentencepiece', 'gigaam', 'omegaconf'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_published_model_that_recognises_speech_is_listed(published):
    assert set(published) == {
        "gigaam-v1-ctc", "gigaam-v1-rnnt", "gigaam-v2-ctc", "gigaam-v2-rnnt", "gigaam-v3-ctc",
        "gigaam-v3-rnnt", "gigaam-v3-e2e-ctc", "gigaam-v3-e2e-rnnt", "gigaam-multilingual-ctc",
        "gigaam-multilingual-large-ctc",
    }  # fmt: skip


def test_short_names_mean_v3_as_they_do_upstream(published):
    leads = {name: spec.id for spec in published.values() for name in spec.aliases}
    short = {"ctc": "v3-ctc", "rnnt": "v3-rnnt", "e2e_ctc": "v3-e2e-ctc", "e2e_rnnt": "v3-e2e-rnnt"}
    assert {name: leads[name] for name in short} == {name: f"gigaam-{model}" for name, model in short.items()}
    assert leads["gigaam"] == "gigaam-v3-e2e-rnnt"
    assert leads["multilingual_large_ctc"] == "gigaam-multilingual-large-ctc"


def test_files_are_named_as_upstream_names_them_and_have_its_md5(published):
    for spec in published.values():
        checkpoint, *tokenizer = spec.files
        name = spec.id.removeprefix("gigaam-").replace("-", "_")
        assert checkpoint.name == f"{name}.ckpt"
        assert re.fullmatch(r"[0-9a-f]{32}", checkpoint.md5)
        assert [file.name for file in tokenizer] == (
            [f"{name}_tokenizer.model"] if "e2e" in name or name == "v1_rnnt" else []
        )
        assert all(file.sources[0].endswith(f"/GigaAM/{file.name}") for file in spec.files)


def test_only_the_e2e_models_punctuate(published):
    assert {name for name, spec in published.items() if Feature.PUNCTUATION in spec.features} == {
        "gigaam-v3-e2e-ctc",
        "gigaam-v3-e2e-rnnt",
    }


def test_every_model_states_its_error_rates_languages_and_window(published):
    assert dict(published["gigaam-v3-rnnt"].wer) == {"average of 10 Russian sets": 8.3}
    assert dict(published["gigaam-multilingual-large-ctc"].wer)["FLEURS kk"] == 4.4
    assert all(spec.wer and spec.max_seconds == 25 and spec.licence == "MIT" for spec in published.values())
    assert published["gigaam-v2-ctc"].languages == ("ru",)
    assert published["gigaam-multilingual-ctc"].languages == ("ru", "en", "kk", "ky", "uz")


def test_a_fine_tuned_model_is_listed_beside_the_published_ones(published):
    table = {"id": "our-calls", "folder": "/srv/calls", "checkpoint": "last.ckpt", "aliases": ["calls"]}
    [spec] = set(models(models=[table]).values()) - set(published.values())
    assert (spec.id, spec.folder, spec.aliases, spec.languages) == (
        "our-calls",
        "/srv/calls",
        ("calls",),
        ("ru",),
    )
    assert [(file.name, file.sources) for file in spec.files] == [("last.ckpt", ())]


def test_a_fine_tuned_model_may_have_a_tokenizer_languages_and_punctuation():
    table = {
        "id": "ours", "folder": "~/models", "checkpoint": "a.ckpt", "tokenizer": "a.model",
        "languages": ["kk", "ru"], "punctuation": True,
    }  # fmt: skip
    spec = models(models=[table])["ours"]
    assert [file.name for file in spec.files] == ["a.ckpt", "a.model"]
    assert spec.languages == ("kk", "ru")
    assert Feature.PUNCTUATION in spec.features
    assert not spec.folder.startswith("~")


def test_upstreams_implementation_promises_text_only():
    features = {name: spec.features for name, spec in models(implementation="upstream").items()}
    assert features["gigaam-v2-ctc"] == frozenset()
    assert features["gigaam-v3-e2e-ctc"] == {Feature.PUNCTUATION}


def test_settings_may_come_as_strings():
    settings = settings_of.read_settings({"max_symbols": "3", "threads": "2"})
    assert (settings.max_symbols, settings.threads, settings.precision) == (3, 2, "auto")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"max_symbols": 0}, r"max_symbols\n.*greater than or equal to 1"),
        ({"precision": "int8"}, r"precision\n.*'fp32'"),
        ({"colour": 1}, r"colour\n.*Extra inputs are not permitted"),
        ({"models": [{"id": "a", "folder": "b"}]}, r"models.0.checkpoint\n.*Field required"),
    ],
)
def test_a_wrong_table_is_a_value_error_that_names_the_keys(table, said):
    with pytest.raises(ValueError, match=said):
        plugin.backend(table)
