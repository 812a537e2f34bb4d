"""Moonshine's results, and the files that it refuses to load."""

import math
import sys

import numpy as np
import pytest

import govor
import govor_moonshine
from govor.testing import hum, silence


def only(found):
    ((segment,),) = found
    return segment


def copied(weights, folder):
    for file in weights.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_english_is_written_with_capitals_and_marks(loaded, speech):
    text = only(loaded.transcribe([speech], govor.Options())).text
    assert text.startswith("Good morning. The meeting has been moved to Thursday afternoon")
    assert only(loaded.transcribe([speech], govor.Options())).language == "en"


def test_the_package_of_the_weights_is_never_imported(loaded, speech):
    loaded.transcribe([speech[:16_000]], govor.Options())
    assert "moonshine_voice" not in sys.modules


def test_tokens_joined_are_the_text(loaded, speech):
    segment = only(loaded.transcribe([speech], govor.Options(logprobs=True)))
    assert b"".join(token.data for token in segment.tokens).decode().strip() == segment.text
    assert {type(token.id) for token in segment.tokens} == {int}
    mean = math.fsum(token.logprob for token in segment.tokens) / len(segment.tokens)
    assert segment.avg_logprob == pytest.approx(mean)
    assert -1 < segment.avg_logprob < 0


def test_inaudible_audio_has_no_text(loaded):
    whisper = (hum(1.0) / np.abs(hum(1.0)).max() * 5e-4).astype(np.float32)
    for sound in (silence(2.0), silence(0.001), whisper, np.zeros(0, np.float32)):
        assert loaded.transcribe([sound], govor.Options()) == [[]]


@pytest.mark.parametrize("samples", [1, 899, 1_600, 1_601])
def test_the_shortest_sounds_are_decoded_without_an_error(loaded, samples):
    loaded.transcribe([hum(0.2)[:samples]], govor.Options())


def test_no_sound_makes_it_write_for_ever(loaded):
    noise = np.random.default_rng(0).uniform(-1, 1, 3 * govor.SAMPLE_RATE).astype(np.float32)
    assert len(only(loaded.transcribe([noise], govor.Options())).tokens) <= 20


def test_it_says_where_and_how_it_runs(family, spec, weights):
    recognizer = family.load(spec, weights, govor.RuntimeOptions(threads=2, workers=3))
    assert recognizer.info.runtime == govor.RuntimeOptions("cpu", 2, 3, "int8")
    assert recognizer.info.parallel == 3
    recognizer.close()


@pytest.mark.parametrize("requested", [govor.RuntimeOptions("cuda"), govor.RuntimeOptions("mps")])
def test_another_device_is_refused_by_name(family, spec, weights, requested):
    with pytest.raises(govor.LoadFailed, match=f"cannot run on '{requested.device}'"):
        family.load(spec, weights, requested)


def test_another_precision_is_refused_by_name(family, spec, weights):
    with pytest.raises(govor.LoadFailed, match="cannot be had in 'fp16'"):
        family.load(spec, weights, govor.RuntimeOptions(precision="fp16"))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("encoder_model.ort", b"no graph", r"encoder_model\.ort cannot be loaded"),
        ("tokenizer.bin", b"\x05<unk>\x09half", r"tokenizer\.bin is no list of tokens"),
        ("tokenizer.bin", b"\x05<unk>\x03<s>", r"tokenizer\.bin has 2 tokens, but .* 32768 apart"),
    ],
    ids=["graph", "cut tokens", "few tokens"],
)
def test_a_damaged_file_is_named(family, spec, weights, tmp_path, name, content, complaint):
    folder = copied(weights, tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(govor.LoadFailed, match=complaint):
        family.load(spec, folder, govor.RuntimeOptions())


def test_it_has_no_settings_and_says_so():
    with pytest.raises(ValueError, match=r"\[plugins\.moonshine\] has no keys, so none is called 'beams'"):
        govor_moonshine.backend({"beams": 5})
