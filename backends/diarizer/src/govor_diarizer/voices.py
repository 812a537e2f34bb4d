"""The loaded networks, and their results for ten seconds of audio."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import govor
from govor_diarizer.catalogue import EMBEDDING, SEGMENTATION
from govor_diarizer.fbank import HOP, SIZE, Floats, fbank
from govor_diarizer.segmentation import VOICES, WINDOW, Activity, nearest_frames, segment
from govor_diarizer.session import CPU, Session, choose_providers
from govor_diarizer.settings import DiarizerSettings
from govor_diarizer.stream import Piece, Stream, Voice

FEWEST_FRAMES = 20  # 0.2 s: less is too short for an embedding
SHORTEST = SIZE + (FEWEST_FRAMES - 1) * HOP  # samples of as many frames
PIECE = 200  # 2 s: length of the pieces of a voice, each checked for its speaker
PIECE_LEAST = 50
MOST_THREADS = 4  # more do not pay on networks of this size


def load_voices(folder: Path, runtime: govor.RuntimeOptions, settings: DiarizerSettings) -> Voices:
    """Load the files of `folder`. Raises LoadFailed."""
    if runtime.precision not in ("auto", "fp32"):
        raise govor.LoadFailed(
            f"The diarizer has no precision '{runtime.precision}': its networks compute in fp32."
        )
    providers = choose_providers(runtime.device)
    threads = runtime.threads or min(MOST_THREADS, govor.usable_cores())
    device = "cpu" if providers == CPU else "cuda"
    return Voices(
        Session(folder / SEGMENTATION, providers, threads),
        Session(folder / EMBEDDING, providers, threads),
        settings,
        govor.RuntimeOptions(device, threads, max(1, runtime.workers), "fp32"),
    )


class Voices:
    """Implements govor.Voices."""

    def __init__(
        self,
        segmentation: Session,
        embedding: Session,
        settings: DiarizerSettings,
        runtime: govor.RuntimeOptions,
    ):
        self._segmentation = segmentation
        self._embedding = embedding
        self._settings = settings
        self.info = govor.RecognizerInfo(
            runtime,
            parallel=runtime.workers,
            capabilities=frozenset({govor.Capability.COUNT, govor.Capability.EMBED}),
        )

    def voiceprint(self, audio: govor.Audio) -> NDArray[np.float32] | None:
        """Return the vector of the main speaker in the first ten seconds, from time without others."""
        _, voices = self.analyse(audio[:WINDOW])
        return max(voices, key=lambda voice: voice.frames).print if voices else None

    def stream(self, known: Sequence[NDArray[np.float32]] = ()) -> Stream:
        return Stream(self.analyse, known, self._settings)

    def stream_of(self, known: Sequence[NDArray[np.float32]], least: int, most: int | None) -> Stream:
        return Stream(self.analyse, known, self._settings, (least, most))

    def embed(self, audio: govor.Audio) -> NDArray[np.float32]:
        """Return the vector of the main speaker in each ten seconds; of all sound if there is no voice."""
        windows = [audio[at : at + WINDOW] for at in range(0, len(audio), WINDOW)] or [audio]
        heard = (
            max(self.analyse(window)[1], key=lambda voice: voice.frames, default=None) for window in windows
        )
        voices = [voice for voice in heard if voice is not None]
        if voices:
            prints, weights = [voice.print for voice in voices], [voice.frames for voice in voices]
        else:
            bands = [fbank(np.pad(window, (0, max(0, SHORTEST - len(window))))) for window in windows]
            prints, weights = [self._embed(band) for band in bands], [len(band) for band in bands]
        return _unit(np.average(prints, axis=0, weights=weights).astype(np.float32))

    def close(self) -> None:
        del self._segmentation, self._embedding

    def analyse(self, audio: govor.Audio) -> tuple[Activity, list[Voice]]:
        """Return the activity in at most ten seconds, and the voices with enough speech."""
        activity = segment(self._segmentation, audio)
        alone = activity & (activity.sum(axis=1, keepdims=True) == 1)
        bands = fbank(np.pad(audio, (0, max(0, SIZE - len(audio)))))
        nearest = nearest_frames(np.arange(len(bands)) * HOP + SIZE // 2)
        voices = (self._voice(column, bands, nearest, alone[nearest, column]) for column in range(VOICES))
        return activity, [voice for voice in voices if voice is not None]

    def _voice(
        self, column: int, bands: Floats, nearest: NDArray[np.int64], own: NDArray[np.bool_]
    ) -> Voice | None:
        """Return a voice from the features of its own frames; None: they are too few."""
        cuts = [(begin, end) for begin, end in _pieces(own) if end - begin >= PIECE_LEAST]
        if not cuts:
            few = int(own.sum())
            return Voice(column, few, self._embed(bands[own])) if few >= FEWEST_FRAMES else None
        pieces = tuple(
            Piece(int(nearest[begin]), int(nearest[end - 1]) + 1, self._embed(bands[begin:end]))
            for begin, end in cuts
        )
        lengths = [end - begin for begin, end in cuts]
        whole = np.average([piece.print for piece in pieces], axis=0, weights=lengths)
        return Voice(column, sum(lengths), _unit(whole.astype(np.float32)), pieces)

    def _embed(self, bands: Floats) -> Floats:
        """Return the unit vector for features of one voice."""
        return _unit(self._embedding.run((bands - bands.mean(axis=0))[None])[0])


def _pieces(own: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Cut the true parts into about PIECE each; return begins and ends."""
    edges = np.flatnonzero(np.diff(own.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    cuts = []
    for begin, end in edges.tolist():
        marks = np.linspace(begin, end, max(1, round((end - begin) / PIECE)) + 1).astype(int)
        cuts += list(pairwise(marks.tolist()))
    return cuts


def _unit(vector: Floats) -> Floats:
    unit: Floats = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
