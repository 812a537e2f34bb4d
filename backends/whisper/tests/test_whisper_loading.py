"""Loading of whisper-base: runtime options, release, and errors that name their cause."""

import re

import pytest

from govor import LoadFailed, RuntimeOptions


def test_a_models_own_settings_go_before_the_plugins(family, base, weights):
    recognizer = family.load(base, weights, RuntimeOptions("cpu", threads=1, workers=2, precision="fp32"))
    assert recognizer.info.runtime == RuntimeOptions("cpu", threads=1, workers=2, precision="float32")
    assert recognizer.info.parallel == 2
    recognizer.close()


def test_the_choice_for_auto_is_reported(family, base, weights):
    recognizer = family.load(base, weights, RuntimeOptions())
    assert recognizer.info.runtime.device != "auto"
    assert recognizer.info.runtime.precision != "auto"
    recognizer.close()


def test_a_closed_model_is_unloaded(family, base, weights):
    recognizer = family.load(base, weights, RuntimeOptions("cpu"))
    engine = recognizer._model.model
    recognizer.close()
    assert not engine.model_is_loaded


@pytest.mark.parametrize("device", ["mps", "cuda:99"])
def test_a_wrong_device_fails_the_load(family, base, weights, device):
    with pytest.raises(LoadFailed, match=device):
        family.load(base, weights, RuntimeOptions(device))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tokenizer.json", None, "lacks tokenizer.json"),
        ("model.bin", b"", "model.bin is incomplete"),
        ("config.json", b"{", "config.json is not JSON"),
    ],
)
def test_a_damaged_folder_fails_the_load_and_is_named(family, base, weights, tmp_path, name, content, said):
    for file in weights.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LoadFailed, match=rf"whisper-base.*{re.escape(str(tmp_path))}.*{said}"):
        family.load(base, tmp_path, RuntimeOptions("cpu"))
