import os
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

import govor
from govor import LoadFailed, ModelFile, ModelSpec, Options

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
plugin = pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")
recognizer = pytest.importorskip("govor_gigaam_torch.recognizer")

ALL = Options(words=True, logprobs=True)


def spec(*files, languages=("ru",)):
    return ModelSpec("small", tuple(ModelFile(name, ()) for name in files or ("model.ckpt",)), languages)


@pytest.fixture
def load(tmp_path, published):
    """Load a small model, written into the test's folder before."""

    def made(generation="v3", kind="ctc", device="cpu", languages=("ru",), **table):
        published(generation, kind)
        return plugin.backend(table).load(spec(languages=languages), tmp_path, govor.RuntimeOptions(device))

    return made


@pytest.fixture
def sounds(noise):
    return [noise(samples, seed=samples) for samples in (40_000, 7_777, 24_000, 320, 1)]


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
def test_arrays_are_answered_alike_alone_and_in_a_batch(load, sounds, generation, kind, monkeypatch):
    model = load(generation, kind)
    alone = [model.transcribe([audio], ALL)[0] for audio in sounds]
    for rows in (1, 2, 32):
        monkeypatch.setattr(model, "info", replace(model.info, batch=rows))
        together = model.transcribe(sounds, ALL)
        assert [[each.text for each in found] for found in together] == [
            [each.text for each in found] for found in alone
        ]
        for one, other in zip(chain(*alone), chain(*together), strict=True):
            assert [word.start for word in other.words] == [word.start for word in one.words]
            assert [token.logprob for token in other.tokens] == pytest.approx(
                [token.logprob for token in one.tokens], abs=1e-4
            )
    assert any(alone)


def test_times_follow_the_length_of_the_audio(load, noise):
    ((found,),) = load().transcribe([noise(25 * 16_000)], ALL)
    times = [time for word in found.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 25
    assert (found.start, found.end) == (times[0], times[-1])


def test_a_model_of_one_language_says_it_and_one_of_several_does_not(load, sounds):
    assert load().transcribe(sounds[:1], Options())[0][0].language == "ru"
    assert load(languages=("ru", "kk")).transcribe(sounds[:1], Options())[0][0].language is None


def test_an_empty_batch_is_answered_with_nothing(load):
    assert load().transcribe([], Options()) == []


def test_fewer_symbols_per_frame_make_an_rnnt_text_shorter(load, noise):
    audio = noise(16_000)
    texts = [
        load(kind="rnnt", max_symbols=most).transcribe([audio], Options())[0][0].tokens for most in (1, 10)
    ]
    assert len(texts[0]) < len(texts[1])


def test_bfloat16_finds_about_the_same(load, noise):
    audio = noise(32_000)
    ((exact,),) = load(precision="fp32").transcribe([audio], ALL)
    ((rough,),) = load(precision="bf16").transcribe([audio], ALL)
    assert rough.avg_logprob == pytest.approx(exact.avg_logprob, abs=0.2)
    assert len(rough.tokens) == pytest.approx(len(exact.tokens), rel=0.2)


def test_a_models_own_settings_go_before_the_plugins(published, tmp_path):
    published("v3", "ctc")
    requested = govor.RuntimeOptions("cpu", threads=2, workers=4, precision="bf16")
    model = plugin.backend({"precision": "fp32", "threads": 1}).load(spec(), tmp_path, requested)
    assert model.info.runtime == govor.RuntimeOptions("cpu", threads=2, workers=1, precision="bf16")
    assert model.info.parallel == 1


def test_a_precision_that_is_unknown_is_named(published, tmp_path):
    published("v3", "ctc")
    with pytest.raises(LoadFailed, match="cannot compute in 'int8': say auto, fp32, fp16, bf16"):
        plugin.backend({}).load(spec(), tmp_path, govor.RuntimeOptions("cpu", precision="int8"))


def test_threads_are_set_in_the_thread_that_calls(load, noise):
    load(threads=2).transcribe([noise(1_000)], Options())
    assert torch.get_num_threads() == 2
    load(threads=1).transcribe([noise(1_000)], Options())
    assert torch.get_num_threads() == 1


def test_torch_takes_no_more_cores_than_there_are_for_models(load, noise, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    torch.set_num_threads(8)
    model = load()
    assert model.info.cores == 1
    model.transcribe([noise(1_000)], Options())
    assert torch.get_num_threads() == 1


def test_the_audio_is_not_written_to(load, noise):
    audio = noise(16_000)
    before = audio.copy()
    load().transcribe([audio], Options())
    assert np.array_equal(audio, before)


def test_a_loaded_model_keeps_its_contract(load):
    model = load()
    assert model.info.parallel == 1
    model.close()
    assert {parameter.device.type for parameter in model._network.parameters()} == {"meta"}


def test_a_missing_file_fails_the_load_and_is_named(tmp_path):
    with pytest.raises(LoadFailed, match=r"absent\.ckpt"):
        plugin.backend({}).load(spec("absent.ckpt"), tmp_path, govor.RuntimeOptions("cpu"))


def test_a_damaged_tokenizer_fails_the_load_and_is_named(tmp_path, published):
    pytest.importorskip("sentencepiece", reason="e2e models need sentencepiece")
    published()
    (tmp_path / "pieces.model").write_bytes(b"damaged")
    with pytest.raises(LoadFailed, match=r"pieces\.model"):
        plugin.backend({}).load(spec("model.ckpt", "pieces.model"), tmp_path, govor.RuntimeOptions("cpu"))


@pytest.mark.parametrize("device", ["cuda:99", "mps", "tpu"])
def test_a_device_that_is_not_there_fails_the_load(load, device):
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has an Apple GPU")
    with pytest.raises(LoadFailed, match=device):
        load(device=device)


def test_auto_takes_the_cpu_where_there_is_nothing_better(load, noise):
    model = load(device="auto")
    better = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert better or model._device.type == "cpu"
    assert isinstance(model.transcribe([noise(8_000)], Options())[0][0], govor.Segment)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
def test_cuda_finds_about_what_the_cpu_finds(load, sounds, generation, kind):
    exact = load(generation, kind).transcribe(sounds, ALL)
    for precision in ("fp32", "fp16"):
        found = load(generation, kind, device="cuda", precision=precision).transcribe(sounds, ALL)
        assert found[0][0].avg_logprob == pytest.approx(exact[0][0].avg_logprob, abs=0.1)
