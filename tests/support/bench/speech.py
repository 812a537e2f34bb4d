"""Real speech of any length: a recording of 44 s or more, repeated."""

from __future__ import annotations

import wave
from importlib.resources import files
from pathlib import Path

import numpy as np

from govor.testing import read_audio

DATA = Path(__file__).parents[2] / "data"
RATE = 16_000
PAUSE = np.zeros(RATE, np.float32)


def write_calm(path: Path, seconds: float) -> Path:
    """Write clear English, read from a book: nothing in a window of 30 s is said twice.

    It comes with Moonshine's package. Of sentences that repeat whisper-base is unsure, and goes through its
    temperatures.
    """
    book = files("moonshine_voice") / "assets" / "two_cities.wav"
    return write_again_and_again(path, np.concatenate([read_audio(Path(str(book))), PAUSE]), seconds)


def write_hard(path: Path, seconds: float) -> Path:
    """Write Russian in noise of 10 dB below: whisper-base is unsure, and tries all temperatures."""
    speech = np.concatenate([read_audio(DATA / "ru.wav"), read_audio(DATA / "ru_short.wav"), PAUSE])
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    loudness = np.sqrt(np.mean(speech**2)) * 10 ** (-10 / 20)
    return write_again_and_again(path, speech + loudness * noise, seconds)


def write_again_and_again(path: Path, speech: np.ndarray, seconds: float) -> Path:
    """Write a wav of so many seconds."""
    pcm = (np.clip(np.resize(speech, round(seconds * RATE)), -1, 1) * 32767).astype(np.int16)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(pcm.tobytes())
    return path
