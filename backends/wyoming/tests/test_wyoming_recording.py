"""Clients' audio, on disk."""

import wave

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioFormat

import govor
from govor_wyoming.recording import Spool

VOICE = AudioFormat(rate=16_000, width=2, channels=1)


@pytest.fixture
def spool(tmp_path):
    opened = Spool(tmp_path, max_seconds=2)
    yield opened
    opened.close()
    assert list(tmp_path.iterdir()) == []


def chunk(samples, rate=16_000, width=2, channels=1):
    return AudioChunk(rate, width, channels, bytes(samples * width * channels))


def test_the_added_chunks_are_in_a_wav(spool):
    spool.tell(VOICE)
    data = np.arange(1_000, dtype=np.int16).tobytes()
    spool.add(AudioChunk(16_000, 2, 1, data))
    spool.add(AudioChunk(16_000, 2, 1, data))
    with wave.open(str(spool.finish())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 2_000)
        assert file.readframes(2_000) == data + data


@pytest.mark.parametrize("begin", [None, VOICE])
def test_without_sound_there_is_no_recording(spool, begin):
    if begin:
        spool.tell(begin)
        spool.add(chunk(0))
    assert spool.finish() is None


@pytest.mark.parametrize(
    "stated",
    [AudioFormat(0, 2, 1), AudioFormat(16_000, 5, 1), AudioFormat(16_000, 2, 0), AudioFormat("16000", 2, 1)],
)
def test_audio_that_cannot_be_is_refused(spool, stated):
    with pytest.raises(govor.InvalidAudio, match="is not supported"):
        spool.tell(stated)


def test_a_format_that_changes_is_refused(spool):
    spool.tell(VOICE)
    with pytest.raises(govor.InvalidAudio, match=r"changes from 16000 Hz.* to 8000 Hz"):
        spool.add(chunk(10, rate=8_000))


def test_half_a_sample_is_refused(spool):
    with pytest.raises(govor.InvalidAudio, match="midst of a sample"):
        spool.add(AudioChunk(16_000, 2, 1, b"abc"))


def test_audio_that_is_too_long_is_refused_before_it_is_written(spool):
    spool.add(chunk(32_000))
    with pytest.raises(govor.InvalidAudio, match="longer than 2 seconds"):
        spool.add(chunk(1))
