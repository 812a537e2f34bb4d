"""Shares of quiet speech that is found and of noise taken for speech, by the detector alone and by Govor.

`make bench` prints the figures; docs/explanation/performance.md holds them. They do not depend on a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from govor.audio.detection import speech_in
from govor.audio.policy import SEGMENT_RULES
from govor.audio.regions import Region, SpeechFinder
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.recognizers import VoiceDetector
from govor.testing import read_audio
from support.bench.report import report
from support.models.silero import load_silero
from support.sound.noises import NOISES, at_level, at_peak, whispered, white

PEAKS = (-2, -20, -40, -50, -55, -60, -65)
SOFTER = (20, 25, 30, 35, 40, 45)
LEVELS = (-20, -30, -40, -50, -60)
SPEECH = ("en.wav", "ru.wav")
RECORDINGS = ("jfk.flac", "two_cities.wav", "ru_long.wav")
Pair = tuple[int, int]
"""Per cent, without and with the second attempt."""


@pytest.fixture(scope="module")
def detector() -> VoiceDetector:
    return load_silero()


@pytest.fixture
def speech(samples: Path, recording: Callable[[str], Path]) -> dict[str, Audio]:
    paths = {name: samples / name for name in SPEECH} | {name: recording(name) for name in RECORDINGS}
    return {name: read_audio(path)[: 15 * SAMPLE_RATE] for name, path in paths.items()}


def alone(audio: Audio, detector: VoiceDetector) -> list[Region]:
    """Return the regions of one attempt."""
    finder = SpeechFinder(SEGMENT_RULES, detector.frame)
    filled = np.pad(audio, (0, -len(audio) % detector.frame))
    return finder.add(detector.stream().feed(filled)) + finder.finish(len(audio))


def covered(regions: Iterable[Region], samples: int) -> NDArray[np.bool_]:
    held = np.zeros(samples, np.bool_)
    for region in regions:
        held[region.start : region.end] = True
    return held


def found(audio: Audio, spoken: NDArray[np.bool_], detector: VoiceDetector) -> Pair:
    """Return the share of the speech that lies in regions."""
    both = (alone(audio, detector), speech_in([audio], detector, SEGMENT_RULES))
    before, after = (round(100 * covered(one, len(audio))[spoken].mean()) for one in both)
    return before, after


def mean(pairs: list[Pair]) -> str:
    before, after = (round(sum(column) / len(column)) for column in zip(*pairs, strict=True))
    return f"{before} -> {after}"


def test_speech_of_every_loudness(speech: dict[str, Audio], detector: VoiceDetector) -> None:
    reference = {
        name: covered(alone(at_peak(audio, -2), detector), len(audio)) for name, audio in speech.items()
    }
    figures = {
        peak: mean([found(at_peak(audio, peak), reference[name], detector) for name, audio in speech.items()])
        for peak in PEAKS
    }
    report("every_loudness", {"found, per cent, by peak in dB": figures})


def test_a_partner_who_is_softer(speech: dict[str, Audio], detector: VoiceDetector) -> None:
    figures = {}
    loud = at_peak(speech["two_cities.wav"][SAMPLE_RATE : 8 * SAMPLE_RATE], -2)
    for softer in SOFTER:
        pairs = []
        for audio in speech.values():
            partner = at_peak(audio[: 5 * SAMPLE_RATE], -2)
            spoken = covered(alone(np.pad(partner, (0, SAMPLE_RATE)), detector), len(partner))
            talk = np.concatenate([loud, at_peak(partner, -2 - softer), loud])
            talk += at_level(white(len(talk) / SAMPLE_RATE), -75)
            pairs.append(found(talk, np.pad(spoken, len(loud)), detector))
        figures[softer] = mean(pairs)
    report("softer", {"found of a partner, per cent, by dB that he is softer": figures})


def test_whispering(speech: dict[str, Audio], detector: VoiceDetector) -> None:
    figures = {}
    for peak in (-2, -20, -40):
        pairs = []
        for audio in speech.values():
            spoken = covered(alone(at_peak(audio, -2), detector), len(audio))
            pairs.append(found(at_peak(whispered(audio), peak), spoken, detector))
        figures[peak] = mean(pairs)
    report("whispering", {"found, per cent, by peak in dB": figures})


def test_noise(detector: VoiceDetector) -> None:
    figures = {}
    for name, make in NOISES.items():
        sounds = [at_level(make(20.0), level) for level in LEVELS]
        figures[name] = mean([found(sound, np.ones(len(sound), np.bool_), detector) for sound in sounds])
    report("noise", {f"taken for speech, per cent, at {LEVELS} dB": figures})
