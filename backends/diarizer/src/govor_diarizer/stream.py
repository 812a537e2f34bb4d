"""Diarization of one recording: windows are processed as they come, speakers are assigned at the end.

The state for an hour is the activity of each frame of each window (2.6 MB), and vectors of 1 KB each:
one for a voice in a window, one for two seconds of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import govor
from govor_diarizer.clustering import cluster
from govor_diarizer.segmentation import FRAMES, HOP, VOICES, WINDOW, Activity
from govor_diarizer.settings import DiarizerSettings
from govor_diarizer.turns import Timeline

Vectors = NDArray[np.float64]

STEP_FRAMES = 148
STEP = STEP_FRAMES * HOP  # samples from window to window, 2.5 s: frames of all windows coincide
CLEAR_FRAMES = 200  # 2 s: voices alone for less are assigned by those alone for longer
SURELY = 0.6  # cosine of a known voice and a further cluster of it; of others' it was 0.47 at most
MARGIN = 0.15  # least difference of a piece's cosines to another speaker and to its voice's own


@dataclass(frozen=True, slots=True)
class Piece:
    """About two seconds of a voice. The segmentation sometimes takes two people for one voice."""

    begin: int
    end: int
    """End of the piece, in frames of the window."""
    print: NDArray[np.float32]
    """Unit vector."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice in one window."""

    column: int
    """Column of the window's activity."""
    frames: int
    """Length of the time in which it speaks alone, in units of 10 ms."""
    print: NDArray[np.float32]
    """Unit vector."""
    pieces: tuple[Piece, ...] = ()


class Stream:
    """Implements govor.DiarizationStream."""

    def __init__(
        self,
        analyse: Callable[[govor.Audio], tuple[Activity, list[Voice]]],
        known: Sequence[NDArray[np.float32]],
        settings: DiarizerSettings,
        people: tuple[int, int | None] = (0, None),
    ):
        """`people` are the least and the most speakers."""
        self._analyse = analyse
        self._known = known
        self._settings = settings
        self._people = people
        self._waiting: govor.Audio = np.zeros(0, np.float32)
        self._windows: list[tuple[Activity, list[Voice]]] = []

    def feed(self, audio: govor.Audio) -> None:
        self._waiting = np.concatenate([self._waiting, audio])
        while len(self._waiting) >= WINDOW:
            self._take(self._waiting[:WINDOW])
            self._waiting = self._waiting[STEP:]

    def finish(self) -> list[govor.SpeakerTurn]:
        heard = WINDOW - STEP if self._windows else 0
        if len(self._waiting) > heard:
            self._take(self._waiting)
        if not any(voices for _, voices in self._windows):
            return []
        centres = self._cluster_voices()
        numbers = self._number(centres)
        order = list(dict.fromkeys(numbers))  # of clusters, so that known speakers decide no tie
        columns = np.array([order.index(number) for number in numbers])
        timeline = Timeline(len(self._windows), STEP_FRAMES, len(order))
        for position, (activity, voices) in enumerate(self._windows):
            timeline.add(position, activity, _owners(voices, centres, columns))
        return [replace(turn, speaker=order[turn.speaker]) for turn in timeline.turns()]

    def _take(self, audio: govor.Audio) -> None:
        self._windows.append(self._analyse(audio))

    def _cluster_voices(self) -> Vectors:
        """Cluster the voices; return a unit vector for each speaker."""
        heard = [voice for _, voices in self._windows for voice in voices]
        clear = [voice for voice in heard if voice.frames >= CLEAR_FRAMES] or heard
        prints = np.array([voice.print for voice in clear], np.float64)
        frames = np.array([voice.frames for voice in clear], np.float64)
        labels = cluster(prints, frames, self._settings.threshold, *self._people)
        centres = np.zeros((labels.max() + 1, prints.shape[1]))
        np.add.at(centres, labels, prints * frames[:, None])
        unit: Vectors = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        return unit

    def _number(self, centres: Vectors) -> list[int]:
        """Return each cluster's speaker: known ones from 0 on, then the others.

        Every known speaker gets the most similar cluster, if any is similar enough, and further clusters that
        are as similar as clusters of one speaker are.
        """
        count = len(self._known)
        numbers = [count + at for at in range(len(centres))]
        likeness = (
            centres @ np.array(self._known, np.float64).reshape(count, -1).T if count else centres[:, :0]
        )
        for at in np.argsort(-likeness, axis=None).tolist():
            centre, known = divmod(at, count)
            floor = SURELY if known in numbers else self._settings.known_threshold
            if likeness[centre, known] >= floor and numbers[centre] >= count:
                numbers[centre] = known
        return numbers


def _owners(voices: Sequence[Voice], centres: Vectors, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the speaker of each frame of each of a window's voices; -1 if unknown."""
    owners = np.full((FRAMES, VOICES), -1)
    for voice in voices:
        own = int((centres @ voice.print).argmax())
        owners[:, voice.column] = columns[own]
        for piece in voice.pieces:
            likeness = centres @ piece.print
            other = int(likeness.argmax())
            if likeness[other] - likeness[own] >= MARGIN:
                owners[piece.begin : piece.end, voice.column] = columns[other]
    return owners
