"""Log-mel features against the formula written out in float64, and against onnx-asr's if it is installed."""

from pathlib import Path

import numpy as np
import pytest

from govor.testing import hum, read_audio, silence
from govor_gigaam_onnx.features import V2, V3, LogMel

SPEECH = Path(__file__).parents[3] / "tests/data/ru.wav"
TOLERANCE = 1e-4


def noise(seconds):
    return np.random.default_rng(0).standard_normal(round(seconds * 16_000)).astype(np.float32) / 5


SOUNDS = {
    "noise": lambda: noise(3),
    "speech": lambda: read_audio(SPEECH),
    "hum": lambda: hum(2),
    "silence": lambda: silence(1),
    "320 samples": lambda: noise(0.02),
    "30 s": lambda: noise(30),
}


def nearest_bfloat16(value):
    """Round the significand to 8 bits, ties to even: another way than the plugin's, which works on bits."""
    significand, exponent = np.frexp(value)
    return np.ldexp(np.round(significand * 256) / 256, exponent)


def plain_log_mel(audio, size, *, centred, coarse):
    """The formula, term by term: a Fourier sum per frame, triangles in Hz, ln of the clamped energy."""
    audio = (
        np.pad(audio.astype(np.float64), size // 2, mode="reflect") if centred else audio.astype(np.float64)
    )
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)  # as in checkpoints
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 66) / 2595) - 1)
    hertz = np.arange(size // 2 + 1) * 16_000 / size
    filters = np.zeros((len(hertz), 64))
    for band, (low, peak, high) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        filters[:, band] = np.clip(
            np.minimum((hertz - low) / (peak - low), (high - hertz) / (high - peak)), 0, None
        )
    if coarse:
        window, filters = nearest_bfloat16(window), nearest_bfloat16(filters)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size // 2 + 1)) / size)
    starts = range(0, len(audio) - size + 1, 160)
    spectrum = np.array([audio[start : start + size] * window for start in starts]) @ waves
    return np.log(np.clip(np.abs(spectrum) ** 2 @ filters, 1e-9, 1e9)).T


@pytest.mark.parametrize("sound", SOUNDS)
def test_features_of_v3_are_those_of_the_formula(sound):
    audio = SOUNDS[sound]()
    expected = plain_log_mel(audio, 320, centred=False, coarse=True)
    np.testing.assert_allclose(LogMel(V3)(audio), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("sound", SOUNDS)
def test_features_of_v2_are_those_of_the_formula(sound):
    audio = SOUNDS[sound]()
    expected = plain_log_mel(audio, 400, centred=True, coarse=False)
    np.testing.assert_allclose(LogMel(V2)(audio), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("framing", "name"), [(V2, "gigaam_v2"), (V3, "gigaam_v3")])
@pytest.mark.parametrize("sound", ["noise", "silence"])
def test_features_are_those_of_onnx_asr(framing, name, sound):
    peer = pytest.importorskip("onnx_asr.preprocessors.numpy_preprocessor")
    audio = SOUNDS[sound]()
    theirs, lengths = peer.GigaamPreprocessorNumpy(name)(audio[None], np.array([len(audio)]))
    np.testing.assert_allclose(LogMel(framing)(audio), theirs[0], rtol=0, atol=TOLERANCE)
    assert lengths == theirs.shape[2]


@pytest.mark.parametrize(
    ("framing", "samples", "frames"), [(V3, 320, 1), (V3, 479, 1), (V3, 480, 2), (V2, 480, 4)]
)
def test_frames_follow_from_samples(framing, samples, frames):
    assert LogMel(framing)(noise(1)[:samples]).shape == (64, frames)


@pytest.mark.parametrize("framing", [V2, V3])
@pytest.mark.parametrize("samples", [0, 1, 200, 319])
def test_audio_too_short_for_a_frame_is_filled_up_with_silence(framing, samples):
    audio = noise(1)[:samples]
    filled = (
        np.pad(audio, (0, (201 if framing is V2 else 320) - samples))
        if samples < 201 or framing is V3
        else audio
    )
    np.testing.assert_array_equal(LogMel(framing)(audio), LogMel(framing)(filled))


def test_audio_is_only_read():
    audio = hum(1)  # read-only
    LogMel(V3)(audio)
    LogMel(V2)(audio)
