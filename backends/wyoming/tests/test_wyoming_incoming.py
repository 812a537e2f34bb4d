"""Clients' audio as it comes."""

import subprocess
import sys

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioFormat

import govor
from govor_wyoming.incoming import Incoming

VOICE = AudioFormat(rate=16_000, width=2, channels=1)


@pytest.fixture
def incoming():
    return Incoming(max_seconds=2)


def chunk(samples, rate=16_000, width=2, channels=1):
    return AudioChunk(rate, width, channels, bytes(samples * width * channels))


def sine(seconds, rate):
    return np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)


def test_samples_of_16_bits_at_16_khz_are_unchanged(incoming):
    incoming.tell(VOICE)
    data = np.arange(-30_000, 30_000, 60, dtype=np.int16)
    heard = incoming.take(AudioChunk(16_000, 2, 1, data.tobytes()))
    assert heard.dtype == np.float32
    assert np.array_equal(heard * 32_768, data)
    assert len(incoming.rest()) == 0


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_becomes_16_khz(incoming, rate):
    data = (sine(1.5, rate) * 16_000).astype("<i2").tobytes()
    pieces = [
        incoming.take(AudioChunk(rate, 2, 1, data[start : start + 2_000]))
        for start in range(0, len(data), 2_000)
    ]
    heard = np.concatenate([*pieces, incoming.rest()])
    assert len(heard) == pytest.approx(24_000, abs=40)
    wanted = sine(1.5, 16_000)[2_000:20_000] * 16_000 / 32_768
    assert np.abs(heard[2_000:20_000] - wanted).max() < 0.02


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_width_and_number_of_channels_is_read(incoming, width, channels):
    wave = sine(0.5, 16_000) * 0.5
    if width == 1:
        data = np.round(wave * 128 + 128).astype(np.uint8).reshape(-1, 1)
    else:
        whole = np.round(wave * 2 ** (8 * width - 1)).astype("<i8").view(np.uint8).reshape(-1, 8)
        data = whole[:, :width]
    frames = np.tile(data, (1, channels)).tobytes()
    heard = incoming.take(AudioChunk(16_000, width, channels, frames))
    assert np.abs(heard - wave).max() < (0.01 if width == 1 else 1e-4)


@pytest.mark.parametrize("begin", [None, VOICE])
def test_without_sound_there_are_no_samples(incoming, begin):
    if begin:
        incoming.tell(begin)
        assert len(incoming.take(chunk(0))) == 0
    assert len(incoming.rest()) == 0


@pytest.mark.parametrize(
    "stated",
    [AudioFormat(0, 2, 1), AudioFormat(16_000, 5, 1), AudioFormat(16_000, 2, 0), AudioFormat("16000", 2, 1)],
)
def test_audio_that_cannot_be_is_refused(incoming, stated):
    with pytest.raises(govor.InvalidAudio, match="is not supported"):
        incoming.tell(stated)


def test_a_format_that_changes_is_refused(incoming):
    incoming.tell(VOICE)
    with pytest.raises(govor.InvalidAudio, match=r"changes from 16000 Hz.* to 8000 Hz"):
        incoming.take(chunk(10, rate=8_000))


def test_half_a_sample_is_refused(incoming):
    with pytest.raises(govor.InvalidAudio, match="midst of a sample"):
        incoming.take(AudioChunk(16_000, 2, 1, b"abc"))


def test_audio_that_is_too_long_is_refused(incoming):
    incoming.take(chunk(32_000))
    with pytest.raises(govor.InvalidAudio, match="longer than 2 seconds"):
        incoming.take(chunk(1))


def test_the_library_that_changes_rates_is_imported_for_other_rates_only():
    code = (
        "import sys; from govor_wyoming.samples import Converter; Converter(16_000, 2, 1).convert(bytes(64));"
        "assert 'av' not in sys.modules; Converter(8_000, 2, 1); assert 'av' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
