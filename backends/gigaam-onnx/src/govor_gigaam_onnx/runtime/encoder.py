"""Compute the decoders' input from audio: features, and one run of the encoder."""

from __future__ import annotations

import numpy as np

import govor
from govor_gigaam_onnx.features import MELS, LogMel
from govor_gigaam_onnx.files.layout import ModelFiles
from govor_gigaam_onnx.graph.export import Floats
from govor_gigaam_onnx.runtime.sessions import Session


class Encoder:
    """The loaded encoder of a model, for a CTC model with its head. Threads may call it at once."""

    def __init__(self, session: Session, files: ModelFiles):
        """Raises LoadFailed if the file's input is not log-mel features."""
        features = session.inputs[0]
        if len(features.shape) != 3 or features.shape[1] != MELS:
            raise govor.LoadFailed(f"{session.path} is no encoder of GigaAM: it takes {features.shape}.")
        self._session = session
        self._features = LogMel(files.framing)
        self._numbers = np.float16 if features.type == "tensor(float16)" else np.float32
        self._frames_last = files.decoder is not None

    def __call__(self, audio: govor.Audio) -> Floats:
        """Return (frames, channels) float32; for a CTC model (frames, classes) log-probabilities.

        Runs one recording at a time: padding to the length of others costs time, and exports made with a
        batch of one do not mask the padding.
        """
        features = self._features(audio).astype(self._numbers, copy=False)
        encoded = self._session.run(features[None], [features.shape[1]])[0][0].astype(np.float32, copy=False)
        return np.ascontiguousarray(encoded.T) if self._frames_last else encoded
