"""The real networks on a real conversation."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import govor
from diarization.error_rate import Span, error_rate
from diarization.material import SAMPLE_TURNS, read_member, read_rttm
from govor_diarizer import diarizer

BLOCK = 64_000


def diarize(voices, audio, *known):
    stream = voices.stream(known)
    for first in range(0, len(audio), BLOCK):
        stream.feed(audio[first : first + BLOCK])
    return stream.finish()


@pytest.fixture(scope="module")
def turns(voices, sample):
    return diarize(voices, sample)


def test_a_telephone_call_is_diarized_with_a_tenth_of_error_at_most(turns):
    reference = read_rttm(read_member(SAMPLE_TURNS).decode())
    found = [Span(turn.start, turn.end, turn.speaker) for turn in turns]
    assert error_rate(reference, found).total <= 0.10
    assert {turn.speaker for turn in turns} == {0, 1}


@pytest.mark.slow
def test_a_known_voice_is_found_again(voices, sample, turns):
    piece = sample[round(22.0 * 16_000) : round(27.5 * 16_000)]
    voiceprint = voices.voiceprint(piece)
    assert np.linalg.norm(voiceprint) == pytest.approx(1.0, abs=1e-4)
    whose = next(turn.speaker for turn in turns if turn.start < 23 < turn.end)
    named = diarize(voices, sample, voiceprint)
    assert [turn.speaker == 0 for turn in named] == [turn.speaker == whose for turn in turns]


def test_silence_and_noise_have_no_voiceprint(voices):
    noise = np.random.default_rng(0).normal(0, 0.05, 48_000).astype(np.float32)
    assert voices.voiceprint(np.zeros(48_000, np.float32)) is None
    assert voices.voiceprint(noise) is None


@pytest.mark.parametrize("samples", [1, 399, 400, 4_000, 200_000])
def test_a_recording_without_a_voice_has_no_turns(voices, samples):
    assert diarize(voices, np.zeros(samples, np.float32)) == []


@pytest.mark.slow
def test_two_threads_get_what_one_gets(voices, sample, turns):
    gate = threading.Barrier(2)

    def work():
        gate.wait(30)
        return diarize(voices, sample)

    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(work) for _ in range(2)]
        assert [job.result() for job in jobs] == [turns, turns]


def test_it_reports_where_it_runs(weights):
    family = diarizer({})
    loaded = family.load(family.models()[0], weights, govor.RuntimeOptions("auto", threads=1, workers=3))
    assert (loaded.info.parallel, loaded.info.runtime.threads, loaded.info.runtime.precision) == (
        3,
        1,
        "fp32",
    )
    assert loaded.info.runtime.device in {"cpu", "cuda"}
    loaded.close()


def test_a_vector_is_nearer_to_that_of_the_same_voice_than_to_anothers(voices, sample, turns):
    long = sorted(turns, key=lambda turn: turn.start - turn.end)
    ann, ben = ([turn for turn in long if turn.speaker == speaker] for speaker in (0, 1))
    one, again, other = (
        voices.embed(sample[round(turn.start * 16_000) : round(turn.end * 16_000)])
        for turn in (ann[0], ann[1], ben[0])
    )
    assert len(one) == 256
    assert np.linalg.norm(one) == pytest.approx(1.0, abs=1e-4)
    assert one @ again > one @ other


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 25.0])
def test_audio_without_a_voice_has_a_vector_too(voices, seconds):
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
    assert np.linalg.norm(voices.embed(noise)) == pytest.approx(1.0, abs=1e-4)


def test_a_call_of_two_has_as_many_speakers_as_are_said(voices, sample):
    stream = voices.stream_of((), 3, 3)
    stream.feed(sample)
    assert len({turn.speaker for turn in stream.finish()}) == 3
