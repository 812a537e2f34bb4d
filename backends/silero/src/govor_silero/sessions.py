"""Open Silero's network on onnxruntime: rebuilt if that works here, else as published."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import govor

FRAME = 512
CONTEXT = 64  # samples of the frame before, which precede each frame in the network's input
STATE = (1, 1, 128)  # of the LSTM
INPUTS = {"input", "h", "c"}
OUTPUTS = ("speech_probs", "hn", "cn")
TOLERANCE = 1e-5  # of probabilities; measured: 2e-6

log = logging.getLogger(__name__)


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession` that is used. Threads may call `run` at once."""

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Any], /) -> Sequence[Any]: ...


def open_session(path: Path, content: bytes) -> Session:
    """Return a session for the file's content. Raises LoadFailed if it is no network of the right kind."""
    published = _published(path, content)
    rebuilt = _rebuilt(content)
    if rebuilt is None:
        return published
    difference = _difference(published, rebuilt)
    if difference <= TOLERANCE:
        return rebuilt
    log.warning("%s is used as it is: rebuilt, its answers would differ by %.2g", path, difference)
    return published


def _published(path: Path, content: bytes) -> Session:
    try:
        network = _open(content)
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


def _rebuilt(content: bytes) -> Session | None:
    try:
        from govor_silero.graph import NotUnderstood, rewrite
    except ImportError as error:
        log.info("Voice detection takes three times as long as it would with the package onnx: %s", error)
        return None
    try:
        session: Session = _open(rewrite(content))
    except NotUnderstood as error:
        log.info("Silero's network is used as it is: %s", error)
        return None
    return session


def _open(content: bytes) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the network is too small to gain from more
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _difference(*sessions: Session) -> float:
    """Return the largest difference between two sessions' probabilities of noise that swells twice."""
    random = np.random.default_rng(0)
    loudness = np.geomspace(1e-4, 1, 32)[:, None]
    swells = (loudness * random.uniform(-1, 1, (2, 32, CONTEXT + FRAME))).astype(np.float32)
    first, second = (_listen(session, swells) for session in sessions)
    return float(np.abs(first - second).max())


def _listen(session: Session, runs: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the probabilities of consecutive frames, from a state that is not that of silence."""
    probabilities = []
    hidden = cell = np.full(STATE, 0.5, np.float32)
    for frames in runs:
        found, hidden, cell = session.run(OUTPUTS, {"input": frames, "h": hidden, "c": cell})
        probabilities.append(np.ravel(found))
    return np.concatenate(probabilities)
