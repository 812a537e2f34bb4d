"""Two channels that are each other's inverse stay audible; ordinary stereo is mixed as usual."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from govor.contract.audio import SAMPLE_RATE, Audio
from support.sound import media

Decode = Callable[[bytes], Audio]


@pytest.fixture(scope="module")
def speech(samples: Path) -> media.Samples:
    """Six seconds of English."""
    return media.read_wav(samples / "en.wav")[0][: 6 * SAMPLE_RATE]


@pytest.fixture(scope="module")
def other(samples: Path) -> media.Samples:
    """The same length of Russian."""
    return media.read_wav(samples / "ru.wav")[0][-6 * SAMPLE_RATE :]


def noise(like: media.Samples, level: float, seed: int = 0) -> media.Samples:
    return (level * np.random.default_rng(seed).standard_normal(len(like))).astype(np.float32)


def shifted(samples: media.Samples, count: int) -> media.Samples:
    return np.concatenate([np.zeros(count, np.float32), samples[: len(samples) - count]])


def pair(left: media.Samples, right: media.Samples) -> np.ndarray:
    return np.stack([left, right]).astype(np.float32)


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("wav", "pcm_u8"),
        ("wav", "pcm_f32le"),
        ("matroska", "pcm_s24le"),
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("mp4", "aac"),
        ("wv", "wavpack"),
    ],
)
def test_an_inverted_channel_does_not_cancel_the_other(
    container: str, codec: str, speech: media.Samples, decode: Decode
) -> None:
    content = media.encode_channels(pair(speech, -speech), 48_000, container, codec, "stereo")
    assert decode(content).std() == pytest.approx(speech.std(), rel=0.1)


@pytest.mark.parametrize("level", [1.0, 0.9, 0.7])
def test_an_inverted_channel_with_its_own_noise_does_not_cancel_the_other(
    level: float, speech: media.Samples, decode: Decode
) -> None:
    left, right = speech + noise(speech, 0.01), -level * speech + noise(speech, 0.01, seed=1)
    heard = decode(media.channels_wav(pair(left, right)))
    assert abs(np.corrcoef(heard, speech)[0, 1]) > 0.95  # either of the two


def test_of_four_channels_an_inverted_pair_is_audible(speech: media.Samples, decode: Decode) -> None:
    silent = np.zeros_like(speech)
    heard = decode(media.channels_wav(np.stack([silent, speech, -speech, silent])))
    assert np.corrcoef(heard, speech)[0, 1] > 0.99


def test_left_and_right_of_a_larger_layout_do_not_cancel(speech: media.Samples, decode: Decode) -> None:
    channels = np.stack([speech, -speech, *[np.zeros_like(speech)] * 4])
    heard = decode(media.channels_wav(channels, mask=media.mask_of("5.1")))
    assert np.corrcoef(heard, speech)[0, 1] > 0.99


STEREO: dict[str, Callable[[media.Samples, media.Samples], np.ndarray]] = {
    "the same in both": lambda one, other: pair(one, one),
    "one in each": pair,
    "only on the left": lambda one, other: pair(one, 0 * one),
    "a little of the inverse on the right": lambda one, other: pair(one, -0.4 * one),
    "two microphones apart": lambda one, other: pair(one, 0.8 * shifted(one, 11)),
    "far apart, in noise": lambda one, other: pair(
        one + noise(one, 0.01), 0.7 * shifted(one, 40) + noise(one, 0.01, seed=1)
    ),
    "an echo on one side": lambda one, other: pair(one, one - 0.6 * shifted(one, 320)),
    "wider than the room": lambda one, other: pair(one + 0.7 * other, one - 0.7 * other),
    "noise alone": lambda one, other: pair(noise(one, 0.1), noise(one, 0.1, seed=1)),
    "the last bit of silence": lambda one, other: pair(noise(one, 1 / 32768), noise(one, 1 / 32768, seed=1)),
}


@pytest.mark.parametrize("kind", STEREO)
def test_ordinary_stereo_is_mixed_bit_for_bit_as_ever(
    kind: str, speech: media.Samples, other: media.Samples, decode: Decode
) -> None:
    channels = STEREO[kind](speech, other)
    np.testing.assert_array_equal(
        decode(media.channels_wav(channels, 44_100)), media.resampled(channels, 44_100, "stereo")
    )


def test_after_the_inversion_both_channels_are_mixed_again(
    speech: media.Samples, other: media.Samples, decode: Decode
) -> None:
    silent = np.zeros_like(speech)
    parts = [pair(speech, -speech), pair(silent, other), pair(other, -other), pair(speech, silent)]
    heard = decode(media.channels_wav(np.concatenate(parts, axis=1)))
    size = len(speech)
    for number, voice in enumerate((speech, other, other, speech)):
        part = heard[number * size + SAMPLE_RATE : (number + 1) * size]  # it is noticed within a second
        assert abs(np.corrcoef(part, voice[SAMPLE_RATE:])[0, 1]) > 0.9


def test_an_inversion_begins_and_ends_without_a_click(decode: Decode) -> None:
    hum = media.tone(9, 110)
    signs = np.repeat([1, -1, 1], 3 * SAMPLE_RATE)
    heard = decode(media.channels_wav(pair(hum, signs * hum)))
    assert np.abs(heard).max() <= np.abs(hum).max() * 1.01
    assert np.abs(np.diff(heard)).max() < 1.1 * np.abs(np.diff(hum)).max()
    assert heard[round(4.5 * SAMPLE_RATE) : 5 * SAMPLE_RATE].std() == pytest.approx(hum.std(), rel=0.01)


def test_a_pause_with_noise_does_not_end_an_inversion(speech: media.Samples, decode: Decode) -> None:
    pause, hiss = (
        np.zeros(3 * SAMPLE_RATE, np.float32),
        [noise(np.zeros(15 * SAMPLE_RATE), 0.002, n) for n in (0, 1)],
    )
    voice = np.concatenate([speech, pause, speech])
    heard = decode(media.channels_wav(pair(voice + hiss[0], -voice + hiss[1])))
    assert heard[7 * SAMPLE_RATE : 9 * SAMPLE_RATE].std() == pytest.approx(0.002, rel=0.05)
