"""The detector without a model, on made-up signals and on recordings."""

import wave
from pathlib import Path

import numpy as np
import pytest

from govor.audio.energy import FRAME, EnergyDetector

RECORDINGS = Path(__file__).parents[3] / "shared" / "audio"
TIME = np.arange(160 * FRAME) / 16_000  # five seconds


def probabilities(signal):
    return EnergyDetector().stream().feed(np.float32(signal))


def noise(loudness):
    return loudness * np.random.default_rng(0).standard_normal(len(TIME))


def syllables():
    """Return four syllables a second, of a voice with many harmonics, from the third second on."""
    voice = sum(np.sin(2 * np.pi * 140 * harmonic * TIME) / harmonic for harmonic in range(1, 20))
    return 0.1 * voice * np.clip(np.sin(2 * np.pi * 4 * TIME), 0, 1) * (TIME > 2)


def test_every_frame_has_a_probability():
    found = probabilities(noise(0.01))
    assert found.shape == (160,)
    assert found.dtype == np.float32


def test_an_empty_block_has_no_probabilities():
    assert probabilities([]).shape == (0,)


@pytest.mark.parametrize(
    "signal",
    [
        pytest.param(np.zeros_like(TIME), id="digital silence"),
        pytest.param(0.4 * np.sin(2 * np.pi * 50 * TIME), id="hum at 50 Hz"),
        pytest.param(0.4 * np.sin(2 * np.pi * 1000 * TIME), id="tone at 1 kHz"),
        pytest.param(sum(0.1 * np.sin(2 * np.pi * 60 * k * TIME) for k in (1, 2, 3, 5, 7)), id="buzz"),
        pytest.param(noise(0.0001), id="faint noise"),
        pytest.param(noise(0.1), id="loud noise"),
        pytest.param(np.full_like(TIME, 0.5), id="offset"),
    ],
)
def test_a_constant_sound_is_not_speech(signal):
    assert probabilities(signal).max() < 0.5


@pytest.mark.parametrize("loudness", [0, 0.0003, 0.01])
def test_syllables_over_noise_are_speech(loudness):
    found = probabilities(syllables() + noise(loudness))
    assert found[:62].max() < 0.5
    loud = np.abs(syllables()).reshape(-1, FRAME).max(axis=1) > 0.1
    assert found[loud].min() > 0.5


def test_noise_that_sets_in_is_taken_for_speech_only_for_some_seconds():
    found = probabilities(noise(0.003) * (TIME > 0.5))
    assert found[20] > 0.5
    assert found[-10:].max() < 0.5


def test_the_future_changes_nothing():
    signal = syllables() + noise(0.001)
    np.testing.assert_array_equal(probabilities(signal)[:100], probabilities(signal[: 100 * FRAME]))


@pytest.mark.parametrize("frames", [1, 3, 100])
def test_probabilities_do_not_depend_on_the_blocks(frames):
    signal = np.float32(syllables() + noise(0.001))
    stream = EnergyDetector().stream()
    blocks = [stream.feed(signal[at : at + frames * FRAME]) for at in range(0, len(signal), frames * FRAME)]
    np.testing.assert_array_equal(np.concatenate(blocks), probabilities(signal))


@pytest.mark.parametrize("name", [f"golos_0{number}.wav" for number in range(8)])
def test_recordings_of_speech_hold_speech_and_pauses(name):
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not here")
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768
    found = probabilities(samples[: len(samples) // FRAME * FRAME])
    assert 0.3 < (found > 0.5).mean() < 0.95
