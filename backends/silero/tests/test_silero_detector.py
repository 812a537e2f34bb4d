"""The network itself, with the weights from faster-whisper."""

import threading
from importlib import resources

import numpy as np
import pytest

from govor_silero.detector import CHUNK, FRAME, SileroDetector
from govor_silero.sessions import open_session

MEASURED = 5e-6  # the largest difference seen is 2e-6


@pytest.fixture(scope="module")
def weights():
    pytest.importorskip("faster_whisper")
    return resources.files("faster_whisper") / "assets" / "silero_vad_v6.onnx"


@pytest.fixture(scope="module")
def detector(weights):
    return SileroDetector(open_session(weights, weights.read_bytes()))


def speechlike(frames, seed=0):
    """Syllables of a gliding vowel, one second of noise before every two of them."""
    time = np.arange(frames * FRAME) / 16_000
    pitch = 120 + 25 * np.sin(4.4 * time)
    formants = 500 + 250 * np.sin(13.2 * time), 1500 + 600 * np.sin(10.7 * time + 1)
    voice = np.zeros_like(time)
    for harmonic in range(1, 30):
        loudness = sum(1 / (1 + ((harmonic * pitch - formant) / 100) ** 2) for formant in formants)
        voice += loudness * np.sin(harmonic * 2 * np.pi * np.cumsum(pitch) / 16_000)
    syllables = np.sqrt(np.clip(np.sin(20.7 * time), 0, 1)) * (time % 3 > 1)
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return (0.1 * voice * syllables + 0.001 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def audio():
    return speechlike(frames=200)


def in_blocks(detector, audio, frames):
    stream = detector.stream()
    size = frames * FRAME
    return np.concatenate([stream.feed(audio[first : first + size]) for first in range(0, len(audio), size)])


def test_every_frame_has_a_probability(detector, audio):
    probabilities = detector.stream().feed(audio)
    assert probabilities.shape == (200,)
    assert probabilities.dtype == np.float32


def test_syllables_are_likely_and_noise_is_not(detector, audio):
    probabilities = detector.stream().feed(audio)
    assert probabilities[:30].max() < 0.2
    assert probabilities[32:93].max() > 0.8


@pytest.mark.parametrize("frames", [1, 7, CHUNK - 1, CHUNK, CHUNK + 1, 130])
def test_probabilities_do_not_depend_on_the_blocks(detector, audio, frames):
    np.testing.assert_allclose(
        in_blocks(detector, audio, frames), detector.stream().feed(audio), rtol=0, atol=MEASURED
    )


def test_probabilities_are_those_of_faster_whisper(detector, audio, weights):
    vad = pytest.importorskip("faster_whisper.vad")
    theirs = vad.SileroVADModel(str(weights))(audio.copy())
    # Its last frame is left out: faster-whisper sets the last samples of the recording to zero.
    np.testing.assert_allclose(detector.stream().feed(audio)[:-1], theirs[:-1], rtol=0, atol=MEASURED)


def test_an_empty_block_changes_nothing(detector, audio):
    stream = detector.stream()
    assert stream.feed(audio[:0]).shape == (0,)
    np.testing.assert_array_equal(stream.feed(audio), detector.stream().feed(audio))


def test_a_block_that_is_no_whole_number_of_frames_is_refused(detector, audio):
    with pytest.raises(ValueError, match="reshape"):
        detector.stream().feed(audio[: FRAME + 1])


def test_audio_is_only_read_and_not_kept(detector, audio):
    stream = detector.stream()
    buffer = audio[: 10 * FRAME].copy()
    buffer.flags.writeable = False
    first = stream.feed(buffer)
    buffer.flags.writeable = True
    buffer[:] = 1
    rest = stream.feed(audio[10 * FRAME :])
    undisturbed = detector.stream()
    expected = [undisturbed.feed(audio[: 10 * FRAME]), undisturbed.feed(audio[10 * FRAME :])]
    np.testing.assert_array_equal(np.concatenate([first, rest]), np.concatenate(expected))


def test_streams_in_two_threads_do_not_disturb_one_another(detector):
    recordings = [speechlike(100, seed) for seed in (1, 2)]
    found = {}
    together = threading.Barrier(2)

    def listen(index):
        together.wait()
        found[index] = in_blocks(detector, recordings[index], frames=1)

    threads = [threading.Thread(target=listen, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, recording in enumerate(recordings):
        np.testing.assert_array_equal(found[index], in_blocks(detector, recording, frames=1))
