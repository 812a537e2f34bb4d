"""Real speech of any length: the project's own recordings, repeated."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from govor.testing import read_audio

DATA = Path(__file__).parents[2] / "data"
RATE = 16_000
PAUSE = np.zeros(RATE, np.float32)


def write_calm(path: Path, seconds: float) -> Path:
    """Write clear English, with a pause of a second after every 13."""
    return write_again_and_again(path, np.concatenate([read_audio(DATA / "en.wav"), PAUSE]), seconds)


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
