"""Run a model's files on onnxruntime, with values bound by position. The only module that imports it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import ArrayLike

import govor
from govor_gigaam_onnx.graph.export import Floats
from govor_gigaam_onnx.runtime.cores import int8_overflows

CPU = ["CPUExecutionProvider"]
CUDA = "CUDAExecutionProvider"
UNWANTED = ["SkipLayerNormFusion"]  # its CPU kernel takes 0.77 ms where Add and LayerNormalization take 0.09
ERROR = 3


Providers = list[Any]
"""onnxruntime's providers, best first: names, or (name, options)."""


def choose_providers(device: str) -> Providers:
    """Return the providers for "auto", "cpu", "cuda" or "cuda:1". Raises LoadFailed if there are none."""
    can_cuda = CUDA in onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and not can_cuda):
        return CPU
    match = re.fullmatch(r"auto|cuda(?::(\d+))?", device)
    if match and can_cuda:
        return [(CUDA, {"device_id": match[1] or "0"}), *CPU]
    raise govor.LoadFailed(
        f"GigaAM on onnxruntime cannot run on '{device}' here: use device 'cpu' or 'auto', or take the "
        "plugin gigaam-torch."
    )


class Session:
    """A loaded ONNX file. Threads may call `run` at once."""

    def __init__(self, path: Path, providers: Providers, *, lean: bool = False, threads: int = 1):
        """Load the file, with so many threads per call; `lean` saves memory, not time. Raises LoadFailed."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERROR
        options.enable_mem_pattern = False  # lengths differ from call to call: 0.6 % faster, and less memory
        if int8_overflows():
            options.add_session_config_entry("session.x64quantprecision", "1")
        if lean:
            options.add_session_config_entry("session.disable_prepacking", "1")
        try:
            session = onnxruntime.InferenceSession(
                path, options, providers=providers, disabled_optimizers=UNWANTED
            )
        except Exception as error:  # onnxruntime's errors have no other class in common
            raise govor.LoadFailed(f"{path} cannot be loaded: {error}") from error
        if providers != CPU and session.get_providers() == CPU:  # it warns, and takes the CPU
            raise govor.LoadFailed(f"{path} cannot be loaded: onnxruntime cannot use the CUDA device.")
        self._run = session.run
        self.path = path
        self.inputs: list[Any] = session.get_inputs()
        self.outputs: list[Any] = session.get_outputs()

    def run(self, *values: ArrayLike) -> list[Any]:
        """Return the outputs; inputs are in order, and surplus ones are ignored."""
        names = (value.name for value in self.inputs)
        results: list[Any] = self._run(None, dict(zip(names, values, strict=False)))
        return results


class SessionTransducer:
    """Implements `decoding.greedy.Transducer`: predictor and joiner in onnxruntime, a call per step."""

    def __init__(self, decoder: Session, joint: Session):
        self._decoder = decoder
        self._joint = joint
        self._units = int(decoder.inputs[1].shape[-1])
        beginning, _ = self.predict(0, None)
        channels = int(joint.inputs[0].shape[1])
        self.blank = len(self.join(np.zeros((1, channels, 1), np.float32), beginning)) - 1

    def listen(self, encoded: Floats) -> Iterable[Floats]:
        return encoded[:, None, :, None]

    def predict(
        self, token: int, state: tuple[Floats, Floats] | None
    ) -> tuple[Floats, tuple[Floats, Floats]]:
        nothing = np.zeros((1, 1, self._units), np.float32)
        prediction, hidden, cell = self._decoder.run([[token]], *(state or (nothing, nothing)))
        return prediction.swapaxes(1, 2), (hidden, cell)

    def join(self, frame: Floats, prediction: Floats) -> Floats:
        scores: Floats = self._joint.run(frame, prediction)[0].reshape(-1)
        return scores
