"""Features are Kaldi's, number by number."""

import kaldi_native_fbank
import numpy as np
import pytest

from govor_diarizer.fbank import BANDS, fbank


def kaldi(audio):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = BANDS
    online = kaldi_native_fbank.OnlineFbank(options)
    online.accept_waveform(16_000, (audio * 32768).tolist())
    online.input_finished()
    return np.array([online.get_frame(at) for at in range(online.num_frames_ready)])


@pytest.mark.parametrize("samples", [400, 401, 16_000, 51_234])
def test_noise_has_kaldis_features(samples):
    audio = np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)
    ours, theirs = fbank(audio), kaldi(audio)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_speech_has_kaldis_features(sample):
    np.testing.assert_allclose(fbank(sample), kaldi(sample), atol=2e-3)


def test_silence_has_finite_features():
    assert np.isfinite(fbank(np.zeros(1600, np.float32))).all()


@pytest.mark.parametrize("samples", [0, 1, 399])
def test_audio_shorter_than_a_frame_has_none(samples):
    assert fbank(np.zeros(samples, np.float32)).shape == (0, BANDS)
