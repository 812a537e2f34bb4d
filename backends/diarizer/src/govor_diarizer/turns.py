"""Join the activity of overlapping windows to speaker turns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import govor
from govor_diarizer.segmentation import FRAMES, VOICES, Activity, frame_start

PAUSE = 0.25  # seconds: a speaker's shorter pauses end no turn
CHUNK = 65_536  # frames decided at once: bounds memory


class Timeline:
    """Counts, per frame of the recording, the windows in which each speaker is active."""

    def __init__(self, windows: int, step: int, speakers: int):
        """`step` is the number of frames from window to window."""
        frames = (windows - 1) * step + FRAMES
        self._step = step
        self._votes = np.zeros((frames, speakers), np.int8)
        self._voices = np.zeros(frames, np.int8)
        self._windows = np.zeros(frames, np.int8)

    def add(self, number: int, activity: Activity, owners: NDArray[np.int64]) -> None:
        """Count one window; `owners` has the speaker of each active frame, or -1 if unknown."""
        begin = number * self._step
        span = slice(begin, begin + len(activity))
        self._windows[span] += 1
        self._voices[span] += activity.sum(axis=1).astype(np.int8)
        for speaker in set(owners[activity].tolist()) - {-1}:
            self._votes[span, speaker] += (activity & (owners == speaker)).any(axis=1)

    def turns(self) -> list[govor.SpeakerTurn]:
        """Return turns in order of their start: in each frame as many speakers as windows have on average."""
        active = np.concatenate(list(self._decided()))
        spoken = (
            govor.SpeakerTurn(start, end, speaker)
            for speaker in range(active.shape[1])
            for start, end in _spans(active[:, speaker])
        )
        return sorted(spoken, key=lambda turn: (turn.start, turn.end))

    def _decided(self) -> Iterator[NDArray[np.bool_]]:
        for begin in range(0, len(self._votes), CHUNK):
            votes = self._votes[begin : begin + CHUNK]
            windows = np.maximum(self._windows[begin : begin + CHUNK], 1)
            wanted = np.rint(self._voices[begin : begin + CHUNK] / windows)
            rank = np.argsort(np.argsort(-votes, axis=1, kind="stable"), axis=1, kind="stable")
            yield (rank < np.minimum(wanted, VOICES)[:, None]) & (votes > 0)


def _spans(active: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return the spans in which a row of frames is true, in seconds, short pauses left out."""
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0))
    spans: list[tuple[float, float]] = []
    for begin, end in edges.reshape(-1, 2).tolist():
        start = frame_start(begin)
        if spans and start - spans[-1][1] < PAUSE:
            spans[-1] = (spans[-1][0], frame_start(end))
        else:
            spans.append((start, frame_start(end)))
    return spans
