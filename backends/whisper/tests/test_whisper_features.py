"""Features: the same numbers as faster-whisper's, in a fraction of the memory."""

import tracemalloc

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from govor import SAMPLE_RATE
from govor.testing import read_audio
from govor_whisper.features import PIECE_FRAMES, PiecewiseExtractor

PIECE = PIECE_FRAMES * 160


@pytest.fixture(scope="module")
def speech(samples):
    """Two and a half minutes; the loudest moment, on which all pieces depend, is in the last one."""
    audio = np.tile(read_audio(samples / "en.wav"), 12)
    audio[-SAMPLE_RATE:] *= 2
    return audio


@pytest.mark.parametrize("mels", [80, 128])
def test_features_are_those_of_faster_whisper_to_the_bit(mels, speech):
    ours, theirs = PiecewiseExtractor(feature_size=mels)(speech), FeatureExtractor(feature_size=mels)(speech)
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "samples_more", [-161, -160, -159, -1, 0, 1, 39, 40, 159, 160, 161, 199, 200, 201, 360]
)
def test_no_length_near_the_edge_of_a_piece_makes_a_difference(samples_more, speech):
    audio = speech[: 2 * PIECE + samples_more]
    np.testing.assert_array_equal(PiecewiseExtractor()(audio), FeatureExtractor()(audio))


def test_ten_minutes_take_a_fifth_of_the_memory():
    extractor, audio = PiecewiseExtractor(), np.zeros(600 * SAMPLE_RATE, np.float32)
    tracemalloc.start()
    try:
        features = extractor(audio)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert features.shape == (80, 60_001)
    assert peak < 90_000_000  # 500 MB and more by faster-whisper
