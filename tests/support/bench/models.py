"""The measured models, in servers and called directly.

whisper-base as published, GigaAM at full size with random weights: see tests/fullsize/make_model.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import govor
import govor_gigaam_onnx
from govor.audio.chunking import Chunker, ChunkSizes, cut
from govor.audio.policy import GAP_SECONDS, SEGMENT_RULES, TARGET_SECONDS

MAKE_MODEL = Path(__file__).parents[2] / "fullsize" / "make_model.py"
FOLDERS = {"v3_ctc": "gigaam-v3-ctc", "v3_e2e_rnnt": "gigaam-v3-e2e-rnnt"}
"""Folders of the full-size models, and onnx-asr's names for them."""


@dataclass(frozen=True)
class Measured:
    """A model and the settings of a server that has it."""

    id: str
    plugins: dict[str, Any] = field(default_factory=dict)

    def settings(self, models_dir: Path) -> dict[str, Any]:
        return {"models_dir": models_dir, "default_models": self.id, "plugins": self.plugins, "max_queue": 0}


def full_size() -> Path:
    """Return the folder of the full-size models; make them if they are missing."""
    folder = Path(os.environ.get("FULLSIZE", Path(tempfile.gettempdir()) / "govor-fullsize"))
    if not all((folder / name / "config.json").is_file() for name in FOLDERS):
        pytest.importorskip("torch")
        subprocess.run([sys.executable, MAKE_MODEL, folder], check=True)
    return folder


def gigaam() -> Measured:
    """GigaAM v3 CTC."""
    folder = full_size() / "v3_ctc"
    return Measured("bench", {"gigaam-onnx": {"models": [{"id": "bench", "folder": str(folder)}]}})


def whisper(**table: Any) -> Measured:
    """Return whisper-base; without the fallback, whose samples are random."""
    return Measured("whisper-base", {"whisper": {"temperature_fallback": False, **table}})


def load_gigaam(folder: Path) -> govor.Recognizer:
    """Load a model with default settings."""
    family = govor_gigaam_onnx.backend({"models": [{"id": "bench", "folder": str(folder)}]})
    return family.load(family.models()[0], folder, govor.RuntimeOptions("cpu"))


def stretches(audio: govor.Audio, detector: govor.VoiceDetector) -> list[govor.Audio]:
    """Return the chunks that the core passes to a model that has no window of its own."""
    cutter = Chunker(detector, SEGMENT_RULES, ChunkSizes(25.0, TARGET_SECONDS, GAP_SECONDS))
    return [stretch.audio for stretch in cut(np.split(audio, range(16_000, len(audio), 16_000)), cutter)]


def load_onnx_asr(folder: Path, quantization: str | None, **options: Any) -> Any:
    """Load a full-size model and Silero in onnx-asr, one thread; `options` are those of voice detection."""
    onnx_asr, onnxruntime = pytest.importorskip("onnx_asr"), pytest.importorskip("onnxruntime")
    session = onnxruntime.SessionOptions()
    session.intra_op_num_threads = session.inter_op_num_threads = 1
    settings = {"sess_options": session, "providers": ["CPUExecutionProvider"]}
    silero = Path(str(distribution("silero-vad").locate_file("silero_vad/data")))
    model = onnx_asr.load_model(FOLDERS[folder.name], folder, quantization=quantization, **settings)
    return model.with_vad(onnx_asr.load_vad("silero", silero, **settings), **options)
