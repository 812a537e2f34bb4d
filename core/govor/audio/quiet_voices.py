"""A second attempt of voice detection, for voices too quiet for the first one.

Detectors are made for recordings of ordinary loudness. If a detector found no speech for a while, it gets
that part again, louder and without offset and rumble. Results of the first attempt always stand: ordinary
recordings keep their regions. The model gets the recording as it is.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.recognizers import VoiceDetector

WINDOW = 4.0
"""Most seconds with one gain, so that a louder voice does not set that of a quiet one before it."""
GUARD = 0.5
"""Seconds beside a detected voice in which no other voice begins or ends: words die away."""
SHORTEST, LASTING = 0.3, 0.7
"""Least seconds of a voice, apart from the guard, if it is certain, and if it is not."""
LEVEL = -18.0
"""Level in dB below full scale to which loud frames are brought."""
GREATEST_GAIN = 66.0
"""dB: speech with peaks of -65 dB below full scale is still found, the noise of 16 bits is not amplified."""
RUMBLE = 0.01
"""Seconds: slower changes are no voice."""
AVERAGE = 0.5
"""Seconds over which the second attempt's probabilities are averaged: noise has single frames like speech."""
STEADY = 3.0
"""dB between loud and quiet frames of mere noise; the frames of white noise stay within 1."""
TRUST = 2.0
"""Factor for averages: whispering and noisy speech have 0.25 to 0.5, noise below 0.1."""
CERTAIN = 1.8
"""Least ratio of the highest probability of a certain voice to the threshold; single notes reach 1.6."""


class Listener:
    """Gives the probabilities of one recording; those of frames without a voice are delayed."""

    def __init__(self, detector: VoiceDetector, threshold: float):
        """`threshold`: the least probability of speech."""
        self._detector = detector
        self._voice = detector.stream()
        self._threshold = np.float32(threshold)
        rate = SAMPLE_RATE / detector.frame
        self._window, self._guard, self._average = (round(one * rate) for one in (WINDOW, GUARD, AVERAGE))
        self._shortest, self._lasting = round(SHORTEST * rate), round(LASTING * rate)
        self._audio = np.empty((0, detector.frame), np.float32)  # of frames without a voice so far
        self._waiting = np.empty(0, np.float32)  # their probabilities
        self._behind_voice = False

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        """Take a whole number of frames; return the probabilities that are final, in order."""
        fresh, frames = self._voice.feed(audio), audio.reshape(-1, self._detector.frame)
        spoken = fresh >= self._threshold
        edges = [0, *(np.flatnonzero(np.diff(spoken)) + 1).tolist(), len(fresh)]
        final = []
        for begin, end in pairwise(edges):
            if begin < end and spoken[begin]:
                final += [self._examine(len(self._waiting), self._guard), fresh[begin:end]]
                self._behind_voice = True
            else:
                self._audio = np.concatenate([self._audio, frames[begin:end]])
                self._waiting = np.concatenate([self._waiting, fresh[begin:end]])
                while len(self._waiting) >= self._window + self._guard:
                    final.append(self._examine(self._window, 0))
        return np.concatenate(final) if final else np.empty(0, np.float32)

    def finish(self) -> NDArray[np.float32]:
        """Return the last probabilities of the recording."""
        return self._examine(len(self._waiting), 0)

    def _examine(self, count: int, guard: int) -> NDArray[np.float32]:
        """Return the probabilities of the first `count` waiting frames; a voice follows the last `guard`."""
        audio, found = self._audio[:count], self._waiting[:count]
        self._audio, self._waiting = self._audio[count:], self._waiting[count:]
        free = slice(self._guard if self._behind_voice else 0, count - guard)
        self._behind_voice = False
        if free.stop - free.start < self._shortest:
            return found
        amplified = amplify(audio, free)
        if amplified is None:
            return found
        again = self._detector.stream().feed(amplified)
        quiet = np.minimum(TRUST * averaged(again, self._average), 1)
        return np.where(self._voices(quiet, free), np.maximum(found, quiet), found)

    def _voices(self, quiet: NDArray[np.float32], free: slice) -> NDArray[np.bool_]:
        """Return a mask of the frames of voices that last long enough in the free part."""
        spoken, certain = quiet >= self._threshold, min(CERTAIN * self._threshold, 1)
        voices = np.zeros(len(spoken), np.bool_)
        edges = [0, *(np.flatnonzero(np.diff(spoken)) + 1).tolist(), len(spoken)]
        for begin, end in pairwise(edges):
            least = self._shortest if quiet[begin:end].max() >= certain else self._lasting
            lasts = min(end, free.stop) - max(begin, free.start) >= least
            voices[begin:end] = spoken[begin] and lasts
        return voices


def amplify(frames: NDArray[np.float32], measured: slice) -> Audio | None:
    """Return (frames, samples) as samples of ordinary loudness, without offset and rumble.

    The frames `measured` determine the gain. None: they hold only silence or steady noise.
    """
    flat = frames.ravel().astype(np.float64)
    half = round(RUMBLE * SAMPLE_RATE / 2)
    sums = np.concatenate([[0.0], np.cumsum(flat)])
    places = np.arange(len(flat))
    first, last = np.maximum(places - half, 0), np.minimum(places + half, len(flat))
    flat -= (sums[last] - sums[first]) / (last - first)
    powers = np.square(flat.reshape(frames.shape)[measured]).mean(axis=1)
    quiet, loud = (10 * np.log10(max(power, 1e-20)) for power in np.percentile(powers, [10, 95]))
    if loud < LEVEL - GREATEST_GAIN or loud - quiet < STEADY:
        return None
    gain = 10 ** (max(LEVEL - loud, 0.0) / 20)
    amplified: Audio = np.clip(gain * flat, -1, 1).astype(np.float32)
    return amplified


def averaged(probabilities: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return the average of each probability and its neighbours; at the edges there are fewer."""
    sums = np.concatenate([[0.0], np.cumsum(probabilities, dtype=np.float64)])
    places = np.arange(len(probabilities))
    first, last = np.maximum(places - width // 2, 0), np.minimum(places + width // 2 + 1, len(places))
    means: NDArray[np.float32] = ((sums[last] - sums[first]) / (last - first)).astype(np.float32)
    return means
