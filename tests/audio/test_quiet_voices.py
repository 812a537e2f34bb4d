"""Quiet voices are found, noise is not taken for speech, and ordinary recordings keep their regions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.audio.detection import speech_in
from govor.audio.policy import LONG_FORM_RULES, SEGMENT_RULES
from govor.audio.quiet_voices import Listener, amplify
from govor.audio.regions import Region, SpeechRules
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.recognizers import VoiceDetector
from govor.testing import FakeDetector, hum, read_audio, silence
from support.models.silero import load_silero
from support.sound.noises import NOISES, at_level, at_peak, pink, white

ORDINARY = ["jfk.flac", "ru_long.wav", "two_cities.wav", *(f"golos_0{number}.wav" for number in range(8))]


@pytest.fixture(scope="module")
def detector() -> VoiceDetector:
    return load_silero()


@pytest.fixture(scope="module")
def speech(samples: Path) -> Audio:
    return read_audio(samples / "en.wav")


def seconds(found: list[Region]) -> float:
    return sum(region.end - region.start for region in found) / SAMPLE_RATE


def library_regions(audio: Audio, rules: SpeechRules) -> list[Region]:
    vad = pytest.importorskip("faster_whisper.vad")
    silence_ms, padding_ms = (round(1000 * value) for value in (rules.silence, rules.padding))
    options = vad.VadOptions(min_silence_duration_ms=silence_ms, speech_pad_ms=padding_ms)
    return [Region(**span) for span in vad.get_speech_timestamps(audio, options)]


@pytest.mark.parametrize("rules", [LONG_FORM_RULES, SEGMENT_RULES], ids=["long", "short"])
@pytest.mark.parametrize("name", ["en.wav", "ru.wav", "ru_short.wav"])
def test_the_samples_have_the_regions_of_faster_whisper(
    name: str, rules: SpeechRules, samples: Path, detector: VoiceDetector
) -> None:
    audio = read_audio(samples / name)
    assert speech_in([audio], detector, rules) == library_regions(audio, rules)


@pytest.mark.parametrize("rules", [LONG_FORM_RULES, SEGMENT_RULES], ids=["long", "short"])
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_recordings_have_the_regions_of_faster_whisper(
    name: str, rules: SpeechRules, recording: Callable[[str], Path], detector: VoiceDetector
) -> None:
    audio = read_audio(recording(name))
    talk = np.concatenate([audio, silence(2.5), audio, silence(10)])
    assert speech_in([talk], detector, rules) == library_regions(talk, rules)


@pytest.mark.parametrize("level", [-45, -65])
def test_a_quiet_recording_has_the_regions_of_one_of_ordinary_loudness(
    level: float, speech: Audio, detector: VoiceDetector
) -> None:
    heard = seconds(speech_in([at_peak(speech, level)], detector, LONG_FORM_RULES))
    assert heard > 0.9 * seconds(speech_in([speech], detector, LONG_FORM_RULES))


@pytest.mark.parametrize("softer", [30, 45])
def test_a_much_quieter_speaker_is_detected(softer: float, speech: Audio, detector: VoiceDetector) -> None:
    near, far = at_peak(speech, -2), at_peak(speech[: 5 * SAMPLE_RATE], -2 - softer)
    audio = np.concatenate([near, far, near])
    audio += at_level(white(len(audio) / SAMPLE_RATE), -80)
    assert seconds(speech_in([audio], detector, LONG_FORM_RULES)) > 0.95 * len(audio) / SAMPLE_RATE


@pytest.mark.parametrize("offset", [0.1, 0.3, -0.6])
def test_a_constant_offset_hides_no_speech(offset: float, speech: Audio, detector: VoiceDetector) -> None:
    audio = at_peak(speech, -28) + np.float32(offset)
    heard = seconds(speech_in([audio], detector, LONG_FORM_RULES))
    assert heard > 0.9 * len(speech) / SAMPLE_RATE


@pytest.mark.parametrize("level", [-20, -40, -60])
@pytest.mark.parametrize("name", sorted(set(NOISES) - {"melody", "touch tones"}))
def test_noise_is_no_voice_at_any_level(name: str, level: float, detector: VoiceDetector) -> None:
    noise = at_level(NOISES[name](12.0), level)
    assert speech_in([noise], detector, SEGMENT_RULES) == []


def test_the_noise_of_a_room_is_no_voice_between_loud_ones(speech: Audio, detector: VoiceDetector) -> None:
    room = at_level(pink(9.0), -60)
    talk = np.concatenate([speech, room, speech])
    assert speech_in([talk], detector, SEGMENT_RULES) == library_regions(talk, SEGMENT_RULES)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("vqs"), st.integers(1, 60)), min_size=1, max_size=8), st.data())
def test_probabilities_do_not_depend_on_the_blocks_and_none_is_lost(
    turns: list[tuple[str, int]], data: st.DataObject
) -> None:
    quiet = np.float32(0.001) * hum(6.0)
    sounds = {"v": hum(6.0), "q": quiet, "s": silence(6.0)}
    detector = FakeDetector()
    audio = np.concatenate([sounds[kind][: tenths * SAMPLE_RATE // 10] for kind, tenths in turns])
    audio = audio[: len(audio) // detector.frame * detector.frame]
    frames = len(audio) // detector.frame
    cuts = data.draw(st.lists(st.integers(0, frames), max_size=6).map(sorted))

    def listen(edges: list[int]) -> list[float]:
        listener = Listener(detector, 0.5)
        parts = [listener.feed(part) for part in np.split(audio, [edge * detector.frame for edge in edges])]
        return np.concatenate([*parts, listener.finish()]).tolist()

    at_once = listen([])
    assert len(at_once) == frames
    assert listen(cuts) == at_once


def test_amplified_audio_has_neither_offset_nor_more_than_full_scale() -> None:
    frames = (at_peak(hum(4.0), -50) + np.float32(0.25)).reshape(-1, 160)
    louder = amplify(frames, slice(0, None))
    assert louder is not None
    assert abs(float(louder.mean())) < 0.01
    assert 0.2 < float(np.abs(louder).max()) <= 1.0


def test_digital_silence_and_steady_noise_are_not_amplified() -> None:
    assert amplify(np.zeros((100, 512), np.float32), slice(0, None)) is None
    assert amplify(at_level(white(5.12), -50).reshape(-1, 512), slice(0, None)) is None
