"""Run one network's file on onnxruntime. The only module that imports it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

import govor

Floats = NDArray[np.float32]

CPU = ["CPUExecutionProvider"]
CUDA = ["CUDAExecutionProvider", *CPU]
ERROR = 3


def choose_providers(device: str) -> list[str]:
    """Return the providers for "auto", "cpu" or "cuda". Raises LoadFailed if the device is missing."""
    can_cuda = CUDA[0] in onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and not can_cuda):
        return CPU
    if device in ("auto", "cuda") and can_cuda:
        return CUDA
    raise govor.LoadFailed(f"The diarizer cannot run on '{device}' here: use device 'cpu' or 'auto'.")


class Session:
    """A loaded network of one input and one output. Threads may call `run` at once."""

    def __init__(self, path: Path, providers: list[str], threads: int):
        """Load the network, with so many threads per call. Raises LoadFailed."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERROR
        options.enable_mem_pattern = False  # lengths differ from call to call
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores
        try:
            session = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:  # onnxruntime's errors have no other class in common
            raise govor.LoadFailed(f"{path} cannot be loaded: {error}") from error
        self._run = session.run
        self._input = session.get_inputs()[0].name

    def run(self, values: Floats) -> Floats:
        """Return the output of a batch."""
        output: Floats = self._run(None, {self._input: values})[0]
        return output
