"""Loading, and refusals: pickles, code, foreign architectures, missing weights."""

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

pytest.importorskip("transformers", reason="govor-transformers is not installed")

import torch
from safetensors.torch import load_file, save_file

import govor
from govor.testing import hum

CODE = """
from pathlib import Path
Path(__file__).with_name("executed").touch()
from transformers.models.moonshine.modeling_moonshine import MoonshineForConditionalGeneration as Base
from transformers.models.moonshine.configuration_moonshine import MoonshineConfig

class OwnConfig(MoonshineConfig):
    model_type = "own_speech"

class OwnModel(Base):
    config_class = OwnConfig
"""


@pytest.fixture
def copy(build, tmp_path):
    """Copy a small model's folder, for the test to damage."""

    def copied(kind):
        return shutil.copytree(build(kind), tmp_path / kind)

    return copied


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_pickles_are_not_opened(copy, load):
    folder = copy("wav2vec2")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(
        govor.LoadFailed, match=r"no safetensors, only pytorch_model\.bin: pickles can run code"
    ):
        load("wav2vec2", folder)


@pytest.fixture
def with_code(copy, tmp_path, monkeypatch):
    """A folder whose config.json names classes of its own Python file."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    folder = copy("moonshine")
    (folder / "own.py").write_text(CODE)
    classes = {"AutoConfig": "own.OwnConfig", "AutoModelForSpeechSeq2Seq": "own.OwnModel"}
    rewrite(folder / "config.json", model_type="own_speech", architectures=["OwnModel"], auto_map=classes)
    return folder


def executed(folder):
    return list(folder.parent.rglob("executed"))


def test_code_of_a_repository_is_refused_and_not_executed(with_code, load):
    with pytest.raises(govor.LoadFailed, match=r"auto_map in config\.json.*trust_remote_code = true"):
        load("moonshine", with_code)
    assert executed(with_code) == []


def test_code_beside_a_known_architecture_is_refused_too(copy, load):
    folder = copy("wav2vec2")
    rewrite(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.OwnTokenizer", None]})
    with pytest.raises(govor.LoadFailed, match=r"auto_map in tokenizer_config\.json"):
        load("wav2vec2", folder)


def test_the_operator_can_allow_one_models_code(with_code, load):
    recognizer = load("moonshine", with_code, trust_remote_code=True)
    assert executed(with_code) != []
    assert recognizer.transcribe([hum(1)], govor.Options())[0][0].text


def test_a_foreign_architecture_is_named(copy, load):
    folder = copy("wav2vec2")
    rewrite(folder / "config.json", model_type="bert", architectures=["BertModel"])
    with pytest.raises(govor.LoadFailed, match="the architecture BertModel, which this plugin does not run"):
        load("wav2vec2", folder)


def test_an_architecture_without_a_head_for_text_is_named(copy, load):
    folder = copy("wav2vec2")
    rewrite(folder / "config.json", architectures=["Wav2Vec2ForPreTraining"])
    with pytest.raises(govor.LoadFailed, match="Wav2Vec2ForPreTraining, which writes no text"):
        load("wav2vec2", folder)


def test_lacking_weights_are_not_made_up(copy, load):
    folder = copy("wav2vec2")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(govor.LoadFailed, match=r"1 weights are lacking .* such as lm_head\.weight"):
        load("wav2vec2", folder)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "vocab.json", "preprocessor_config.json"]
)
def test_a_damaged_file_is_a_failed_load(copy, load, name):
    folder = copy("wav2vec2")
    (folder / name).write_bytes((folder / name).read_bytes()[:40])
    with pytest.raises(govor.LoadFailed, match="cannot be"):
        load("wav2vec2", folder)


def test_a_vocabulary_that_is_none_of_voxtrals_is_an_error(copy, load):
    folder = copy("voxtral")
    (folder / "tekken.json").write_text("{}")
    with pytest.raises(govor.LoadFailed, match=r"tekken\.json is no vocabulary of Voxtral"):
        load("voxtral", folder)


def test_a_precision_is_taken_or_refused(load):
    recognizer = load("wav2vec2", runtime=govor.RuntimeOptions("cpu", precision="bf16"))
    assert recognizer.info.runtime == govor.RuntimeOptions("cpu", 0, 1, "bf16")
    assert recognizer.transcribe([hum(1)], govor.Options())[0][0].text
    with pytest.raises(govor.LoadFailed, match="cannot compute in 'int8': say auto, fp32, fp16, bf16"):
        load("wav2vec2", runtime=govor.RuntimeOptions("cpu", precision="int8"))


@pytest.mark.parametrize("kind", ["whisper", "moonshine", "mms", "voxtral"])
def test_loading_and_transcribing_ask_no_network(kind, load, build, monkeypatch):
    build(kind)

    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    load(kind).transcribe([hum(0.5)], govor.Options())


def test_torch_takes_no_more_cores_than_there_are_for_models(load, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    try:
        model = load("hubert")
        assert model.info.cores == 1
        model.transcribe([hum(0.1)], govor.Options())
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_user_without_a_name_as_in_a_container_can_load_models():
    nameless = "import pwd\ndef getpwuid(uid): raise KeyError(uid)\npwd.getpwuid = getpwuid\n"
    unknown = ("LOGNAME", "USER", "LNAME", "USERNAME", "TORCHINDUCTOR_CACHE_DIR")
    env = {name: value for name, value in os.environ.items() if name not in unknown}
    command = [sys.executable, "-c", nameless + "import govor_transformers.loading"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
