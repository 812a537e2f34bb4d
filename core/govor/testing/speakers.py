"""A fake diarizer, which finds the turns that a test gives it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import Audio
from govor.contract.diarization import SpeakerTurn
from govor.contract.hooks import hookimpl
from govor.contract.models import ModelKind, ModelSpec, RuntimeOptions
from govor.contract.recognizers import Capability, RecognizerInfo
from govor.testing.fakes import QUIET, pass_gate


class FakeDiarizer:
    """A diarizer that finds its given turns, and no speaker in a silent reference; also its plugin."""

    capabilities = frozenset({Capability.EMBED})

    def __init__(
        self,
        *turns: SpeakerTurn,
        spec: ModelSpec | None = None,
        gate: threading.Event | None = None,
        failure: Exception | None = None,
    ):
        """`gate` holds back each block, and `failure` is raised for it."""
        self.spec = replace(spec or ModelSpec("fake-diarizer"), kind=ModelKind.DIARIZATION)
        self.turns = turns
        self.gate = gate
        self.failure = failure
        self.info = RecognizerInfo(capabilities=self.capabilities)
        self.known: list[int] = []
        """Number of known speakers in each recording."""
        self.samples = 0
        """Samples of all recordings so far."""
        self.closed = 0
        """Number of calls of `close`."""

    @hookimpl
    def diarizer(self, settings: Mapping[str, Any]) -> FakeDiarizer:
        return self

    def models(self) -> Sequence[ModelSpec]:
        return [self.spec]

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> FakeDiarizer:
        return self

    def voiceprint(self, audio: Audio) -> NDArray[np.float32] | None:
        return np.ones(1, np.float32) if np.abs(audio).max(initial=0.0) > QUIET else None

    def stream(self, known: Sequence[NDArray[np.float32]] = ()) -> FakeDiarizer:
        self.known.append(len(known))
        return self

    def feed(self, audio: Audio) -> None:
        pass_gate(self.gate)
        if self.failure is not None:
            raise self.failure
        self.samples += len(audio)

    def finish(self) -> Sequence[SpeakerTurn]:
        return self.turns

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        loudness = np.float32(np.abs(audio).mean() if len(audio) else 0.0)
        return np.array([loudness, np.sqrt(1 - loudness**2)], np.float32)

    def close(self) -> None:
        self.closed += 1
