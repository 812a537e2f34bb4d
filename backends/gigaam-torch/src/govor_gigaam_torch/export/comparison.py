"""Compare an ONNX export's log-probabilities with torch's on fixed sounds. Imports onnxruntime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray

import govor
from govor_gigaam_torch.network.features import LogMel
from govor_gigaam_torch.network.heads import CTCHead
from govor_gigaam_torch.network.model import GigaAM

Floats = NDArray[np.float32]

SECONDS = (2.6, 1.13)
TOKENS = (1, 2, 1)
"""Inputs of an RNN-T's predictor after the blank: later outputs depend on its state too."""
SLOW_ERROR = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest differences of all inputs."""

    largest: float
    """Between two log-probabilities of the same frame and token."""
    relative: float
    """Root mean square, relative to the variation of torch's over time."""


@torch.inference_mode()
def compare(network: GigaAM, log_mel: LogMel, files: Sequence[Path]) -> Difference:
    """Run both on two lengths, the export also as a padded batch. `files`: CTC, or encoder, decoder, joint.

    NaN if the two are not comparable. Raises LoadFailed if onnxruntime cannot load a file.
    """
    features, lengths = log_mel([glide(seconds) for seconds in SECONDS])
    expected = [
        _of_torch(network, features[row : row + 1, :, :length], length)
        for row, length in enumerate(lengths.tolist())
    ]
    try:
        export = _Export(files)
        shorter = int(lengths[-1])
        found = export(features.numpy(), lengths.numpy())
        found += export(features[-1:, :, :shorter].numpy(), lengths[-1:].numpy())
    except Exception as error:  # onnxruntime's errors have no other class in common
        raise govor.LoadFailed(f"onnxruntime cannot run the export: {error}") from error
    pairs = list(zip([*expected, expected[-1]], found, strict=True))
    if any(one.shape != other.shape for one, other in pairs):
        return Difference(math.nan, math.nan)
    return Difference(
        max(float(np.abs(other - one).max()) for one, other in pairs),
        max(float(np.sqrt(np.square(other - one).mean() / one.var(axis=0).mean())) for one, other in pairs),
    )


def glide(seconds: float) -> torch.Tensor:
    """Return a voice (samples,) that glides through vowels, with noise: the same on every machine."""
    time = torch.arange(round(seconds * govor.SAMPLE_RATE), dtype=torch.float64) / govor.SAMPLE_RATE
    phase = 2 * math.pi * (130 * time - 6 * torch.cos(5 * time))
    voice = torch.zeros_like(time)
    for harmonic in range(1, 30):
        formant = 700 + 400 * torch.sin(9 * time)
        voice += torch.sin(harmonic * phase) / (1 + ((harmonic * 130 - formant) / 200) ** 2)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(len(time)))
    return (0.05 * voice * torch.sin(12 * time).clamp(min=0) + 0.003 * noise).float()


def _of_torch(network: GigaAM, features: torch.Tensor, length: int) -> Floats:
    """Return torch's log-probabilities (T', ...) of one sound."""
    encoded, _ = network(features, torch.tensor([length]))
    if isinstance(network.head, CTCHead):
        log_probs = network.head(encoded)
    else:
        tokens = torch.tensor([TOKENS]) % network.head.num_classes
        log_probs = network.head(encoded, tokens).log_softmax(dim=-1)
    found: Floats = log_probs[0].numpy()
    return found


class _Export:
    """The sessions of one export; inputs by position."""

    def __init__(self, files: Sequence[Path]):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = SLOW_ERROR
        options.add_session_config_entry("session.x64quantprecision", "1")  # without VNNI sums would overflow
        self._sessions = [
            onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in files
        ]

    def __call__(self, features: Floats, lengths: NDArray[np.int64]) -> list[Floats]:
        """Return log-probabilities (T', ...) of each sound of a batch."""
        outputs, counts = _run(self._sessions[0], features, lengths)
        if len(self._sessions) == 1:
            return [each[:count] for each, count in zip(outputs, counts, strict=True)]
        return [self._join(each[:, :count]) for each, count in zip(outputs, counts, strict=True)]

    def _join(self, encoded: Floats) -> Floats:
        """Return (T', tokens, classes) of one sound's (d_model, T'): the frames are the rows of a batch."""
        _, decoder, joint = self._sessions
        frames = np.ascontiguousarray(encoded.T[:, :, None])
        classes = int(joint.get_outputs()[0].shape[-1])
        layers, _, units = decoder.get_inputs()[1].shape
        state = [np.zeros((layers, 1, units), np.float32)] * 2
        columns = []
        for token in (classes - 1, *(token % classes for token in TOKENS)):
            prediction, *state = _run(decoder, np.array([[token]]), *state)
            predictions = np.repeat(prediction.swapaxes(1, 2), len(frames), axis=0)
            columns.append(_run(joint, frames, predictions)[0][:, 0, 0])
        return np.stack(columns, axis=1)


def _run(session: Any, *values: NDArray[Any]) -> list[Any]:
    names = (each.name for each in session.get_inputs())
    outputs: list[Any] = session.run(None, dict(zip(names, values, strict=True)))
    return outputs
