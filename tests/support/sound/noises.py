"""Synthetic sounds that are no speech: (samples,) float32 at 16 kHz, to a level in dB below full scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio

Floats = NDArray[np.float64]


def at_level(samples: NDArray[np.floating], level: float) -> Audio:
    """Return the samples at this root mean square, in whole steps of 16 bits."""
    loud = samples / np.sqrt(np.square(samples).mean()) * 10 ** (level / 20)
    return (np.round(np.clip(loud, -1, 1) * 32767) / 32768).astype(np.float32)


def at_peak(samples: NDArray[np.floating], peak: float) -> Audio:
    """Return the samples with this peak, in whole steps of 16 bits."""
    loud = samples / np.abs(samples).max() * 10 ** (peak / 20)
    return (np.round(loud * 32767) / 32768).astype(np.float32)


def times(seconds: float) -> Floats:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def white(seconds: float) -> Floats:
    return np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))


def coloured(seconds: float, slope: float) -> Floats:
    """Noise whose amplitude falls with this power of the frequency: 0.5 is pink, 1 is brown."""
    spectrum = np.fft.rfft(white(seconds))
    spectrum[0] = 0
    spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
    return np.fft.irfft(spectrum)


def pink(seconds: float) -> Floats:
    return coloured(seconds, 0.5)


def brown(seconds: float) -> Floats:
    return coloured(seconds, 1.0)


def mains(seconds: float) -> Floats:
    """Hum of 50 Hz with its harmonics."""
    return np.sum([np.sin(2 * np.pi * 50 * n * times(seconds) + n) / n for n in range(1, 12)], axis=0)


def plucked(seconds: float) -> Floats:
    """Hold music: three strings at a time, twice a second."""
    draw = np.random.default_rng(1)
    out = np.zeros(round((seconds + 2) * SAMPLE_RATE))
    for start in range(0, round(seconds * SAMPLE_RATE), SAMPLE_RATE // 2):
        for pitch in draw.choice([220, 247, 277, 294, 311, 330, 370, 440], 3):
            round_trip = draw.uniform(-1, 1, SAMPLE_RATE // pitch)
            for place in range(start, start + SAMPLE_RATE, len(round_trip)):
                out[place : place + len(round_trip)] += round_trip
                round_trip = 0.498 * (round_trip + np.roll(round_trip, 1))
    return out[: round(seconds * SAMPLE_RATE)]


def melody(seconds: float) -> Floats:
    """Single notes with vibrato, such as a flute's."""
    draw, note = np.random.default_rng(2), times(0.3)
    pitches = draw.choice([262, 294, 330, 349, 392, 440, 494, 523], round(seconds / 0.3) + 1)
    vibrato = 3 * np.sin(2 * np.pi * 5.5 * note)
    notes = [np.sin(2 * np.pi * pitch * note + vibrato) * np.exp(-3 * note) for pitch in pitches]
    return np.concatenate(notes)[: round(seconds * SAMPLE_RATE)]


def dialling(seconds: float) -> Floats:
    """Touch tones, four in a second."""
    draw, tone = np.random.default_rng(3), times(0.12)
    out = []
    for _ in range(round(seconds * 4) + 1):
        low, high = draw.choice([697, 770, 852, 941]), draw.choice([1209, 1336, 1477])
        out += [np.sin(2 * np.pi * low * tone) + np.sin(2 * np.pi * high * tone), np.zeros(2080)]
    return np.concatenate(out)[: round(seconds * SAMPLE_RATE)]


def ringing(seconds: float) -> Floats:
    clock = times(seconds)
    return (np.sin(2 * np.pi * 440 * clock) + np.sin(2 * np.pi * 480 * clock)) * (clock % 3 < 1)


def beeps(seconds: float) -> Floats:
    clock = times(seconds)
    return np.sin(2 * np.pi * 1000 * clock) * (clock % 1 < 0.2)


def clicks(seconds: float) -> Floats:
    """Six keys struck in a second."""
    draw, out = np.random.default_rng(4), np.zeros(round(seconds * SAMPLE_RATE))
    for place in draw.integers(0, len(out) - 400, round(6 * seconds)):
        out[place : place + 400] += draw.standard_normal(400) * np.exp(-np.arange(400) / 60)
    return out


def breath(seconds: float) -> Floats:
    return pink(seconds) * np.maximum(0, np.sin(2 * np.pi * 0.3 * times(seconds))) ** 2


def fan(seconds: float) -> Floats:
    return pink(seconds) * (1 + 0.5 * np.sin(2 * np.pi * 7 * times(seconds)))


NOISES: dict[str, Callable[[float], Floats]] = {
    "white noise": white,
    "pink noise": pink,
    "brown noise": brown,
    "mains hum": mains,
    "plucked strings": plucked,
    "melody": melody,
    "touch tones": dialling,
    "ringing": ringing,
    "beeps": beeps,
    "keys": clicks,
    "breath": breath,
    "fan": fan,
}


def whispered(speech: Audio, order: int = 18, hop: int = 200) -> Audio:
    """Return the speech with noise for a voice: its spectrum, by linear prediction, without pitch."""
    draw, window = np.random.default_rng(5), np.hanning(2 * hop)
    flat = np.append(speech[:1], speech[1:] - 0.9 * speech[:-1]).astype(np.float64)
    out = np.zeros(len(flat))
    lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    for start in range(0, len(flat) - 2 * hop, hop):
        frame = flat[start : start + 2 * hop] * window
        like = np.correlate(frame, frame, "full")[2 * hop - 1 : 2 * hop + order]
        if like[0] < 1e-9:
            continue
        like[0] *= 1.001
        weights = np.linalg.solve(like[lags], like[1:])
        sound = np.zeros(order + 2 * hop)
        loud = np.sqrt(max(like[0] - weights @ like[1:], 1e-12) / (2 * hop))
        noise = draw.standard_normal(2 * hop) * loud
        for place in range(2 * hop):
            sound[place + order] = noise[place] + weights @ sound[place : place + order][::-1]
        out[start : start + 2 * hop] += sound[order:] * window
    return out.astype(np.float32)
