"""Floating-point samples in the range of integers are scaled; others are only clipped above 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, Audio
from support.sound import media

Write = Callable[[bytes], Path]
Hear = Callable[[np.ndarray], Audio]


@pytest.fixture
def hear(decoders: Decoders, write: Write) -> Hear:
    """Decode (samples,) or (channels, samples) of floating point as a wav."""

    def hear(samples: np.ndarray) -> Audio:
        channels = np.atleast_2d(samples)
        content = media.float_channels_wav(channels, SAMPLE_RATE)
        with Recording(write(content), decoders) as recording:
            return np.concatenate(list(recording.blocks()))

    return hear


@pytest.fixture(scope="module")
def speech(samples: Path) -> np.ndarray:
    """Six seconds of English, its first half second silent."""
    return media.read_wav(samples / "en.wav")[0][: 6 * SAMPLE_RATE].astype(np.float64)


def whole(samples: np.ndarray, bits: int) -> np.ndarray:
    scaled: np.ndarray = np.rint(samples * 2.0 ** (bits - 1))
    return scaled


@pytest.mark.parametrize("kind", ["<f4", "<f8"])
@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("level", [1.0, 0.1])
def test_samples_in_the_scale_of_whole_numbers_are_brought_to_their_own(
    level: float, bits: int, kind: str, speech: np.ndarray, hear: Hear
) -> None:
    heard = hear(whole(level * speech, bits).astype(kind))
    assert np.abs(heard - hear((level * speech).astype(kind))).max() < 2 / 32768


def test_they_need_not_be_whole(speech: np.ndarray, hear: Hear) -> None:
    smooth = np.convolve(12_000 * speech, [0.25, 0.5, 0.25], "same").astype("<f4")
    heard = hear(smooth)
    assert np.abs(heard).max() == pytest.approx(np.abs(smooth).max() / 32768, rel=0.01)


def test_a_quiet_beginning_in_the_other_scale_is_quiet(speech: np.ndarray, hear: Hear) -> None:
    hiss = np.rint(3 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE))
    heard = hear(np.concatenate([hiss, whole(speech, 16)]).astype("<f4"))
    assert np.abs(heard[: 3 * SAMPLE_RATE]).max() < 0.001


def test_both_channels_are_brought_to_scale(speech: np.ndarray, hear: Hear) -> None:
    heard = hear(whole(np.stack([speech, 0 * speech]), 16).astype("<f4"))
    assert np.abs(heard).max() == pytest.approx(np.abs(speech).max() / 2, rel=0.01)


@pytest.mark.parametrize("peak", [0.001, 0.9, 1.0, 1.4, 3.0, 10.0, 40.0])
def test_a_recording_that_is_only_too_loud_is_cut_off_as_ever(
    peak: float, speech: np.ndarray, hear: Hear
) -> None:
    loud = (peak / np.abs(speech).max() * speech).astype("<f4")
    np.testing.assert_array_equal(hear(loud), np.clip(np.rint(loud * 32768), -32768, 32767) / 32768)


@pytest.mark.parametrize("damage", [np.nan, np.inf, 1e9, -3e38])
def test_single_damaged_samples_change_no_scale(damage: float, speech: np.ndarray, hear: Hear) -> None:
    broken = speech.astype("<f4")
    broken[::SAMPLE_RATE] = damage
    heard, right = hear(broken), hear(speech.astype("<f4"))
    kept = np.arange(len(speech)) % SAMPLE_RATE != 0
    np.testing.assert_array_equal(heard[kept], right[kept])


def test_square_waves_at_full_scale_are_in_their_own(hear: Hear) -> None:
    square = np.sign(media.tone(2, 100)).astype("<f4")
    assert np.abs(hear(square)).max() > 0.99
