"""Silero VAD over one recording after another: windows of samples in, probabilities out.

Knows nothing of settings or of where weights come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import govor

FRAME = 512
CONTEXT = 64  # samples of the frame before, which the network sees in front of each frame
STATE = (1, 1, 128)  # of the LSTM
INPUTS = {"input", "h", "c"}
OUTPUTS = ("speech_probs", "hn", "cn")

# Frames per run. Measured: with 8 or more, a second of audio costs 1 ms of CPU; with 1 it costs 2.
CHUNK = 64


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession` that is used. Threads may call `run` at once."""

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Any], /) -> Sequence[Any]: ...


def open_session(path: Path, content: bytes) -> Session:
    """Return a session on the file's content. Raises LoadFailed where it is no network of the right kind."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the network is too small to gain from more
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    try:
        network = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no other class in common
        raise govor.LoadFailed(f"{path} cannot be loaded: {error}") from error
    inputs = {node.name for node in network.get_inputs()}
    outputs = {node.name for node in network.get_outputs()}
    if inputs != INPUTS or not outputs.issuperset(OUTPUTS):
        raise govor.LoadFailed(
            f"{path} is not Silero VAD for sequences: it takes {sorted(inputs)} and gives {sorted(outputs)}."
        )
    session: Session = network
    return session


class SileroStream:
    """One recording: carries the LSTM's state and the last samples from call to call."""

    def __init__(self, session: Session):
        self._session = session
        self._context = np.zeros(CONTEXT, np.float32)
        self._h = self._c = np.zeros(STATE, np.float32)

    def feed(self, audio: govor.Audio) -> NDArray[np.float32]:
        """Return (samples / 512,) probabilities; the same ones however the recording is cut into calls."""
        frames = audio.reshape(-1, FRAME)
        probabilities = np.empty(len(frames), np.float32)
        for first in range(0, len(frames), CHUNK):
            chunk = slice(first, first + CHUNK)
            probabilities[chunk] = self._run(frames[chunk])
        return probabilities

    def _run(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        tails = np.vstack([self._context, frames[:, -CONTEXT:]])
        self._context = tails[-1]
        inputs = {"input": np.hstack([tails[:-1], frames]), "h": self._h, "c": self._c}
        probabilities: NDArray[np.float32]
        probabilities, self._h, self._c = self._session.run(OUTPUTS, inputs)
        return probabilities


class SileroDetector:
    """Silero VAD. Its streams share one session, whichever threads they run in."""

    frame = FRAME

    def __init__(self, session: Session):
        self._session = session

    def stream(self) -> SileroStream:
        return SileroStream(self._session)
