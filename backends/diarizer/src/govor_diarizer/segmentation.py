"""Activity of up to three voices within ten seconds: pyannote's segmentation 3.0.

The network gives every frame one of seven classes: silence, one of three voices, or two of them at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import govor
from govor_diarizer.session import Session

Activity = NDArray[np.bool_]
"""(FRAMES, VOICES): which of a window's voices is active. Columns mean nothing beyond their window."""

WINDOW = 160_000  # samples: the ten seconds that the network was trained on
HOP = 270  # samples from frame to frame
REACH = 991  # samples that the network sees for a frame
FRAMES = 589  # of a whole window
VOICES = 3
CLASSES = np.array(
    [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)], dtype=np.bool_
)
"""The voices of each class: pyannote's order of its powerset."""


def segment(network: Session, audio: govor.Audio) -> Activity:
    """Return the activity in one window; a shorter one is padded with silence."""
    window = np.zeros((1, 1, WINDOW), np.float32)
    window[0, 0, : len(audio)] = audio
    scores = network.run(window)[0]
    activity: Activity = CLASSES[scores.argmax(axis=1)]
    activity[len(audio) // HOP :] = False
    return activity


def frame_start(frame: int) -> float:
    """Return the time in seconds at which a frame of the recording begins."""
    return (frame * HOP + (REACH - HOP) / 2) / govor.SAMPLE_RATE


def nearest_frames(samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each sample of a window the frame whose middle is nearest."""
    nearest = np.rint((samples - REACH / 2) / HOP).astype(np.int64)
    return np.clip(nearest, 0, FRAMES - 1)
