"""The trained miniatures, loaded by both GigaAM plugins, and the recordings they were never trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from govor import ModelSpec, Options, Recognizer, RuntimeOptions, Segment
from miniature.halves import widen_folder
from miniature.heldout import HeldOut, recorded

pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")

import govor_gigaam_onnx
import govor_gigaam_torch

HEADS = ("v3_ctc", "v3_rnnt", "v3_e2e_ctc")
FOLDERS = Path(__file__).parents[1] / "miniature/models"
EVERYTHING = Options(words=True, logprobs=True)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The tables of plugins.toml that declare every miniature to both plugins."""
    exports = tmp_path_factory.mktemp("miniature")
    onnx, checkpoints = [], []
    for head in HEADS:
        folder = FOLDERS / head
        widen_folder(folder, exports / head)
        tokenizer = {"tokenizer": f"{head}_tokenizer.model"} if "e2e" in head else {}
        onnx.append({"id": f"mini-{head}", "folder": str(exports / head)})
        checkpoints.append(
            {"id": f"mini-{head}", "folder": str(folder), "checkpoint": f"{head}.ckpt", **tokenizer}
        )
    return {"gigaam-onnx": {"models": onnx}, "gigaam-torch": {"models": checkpoints}}


@pytest.fixture(scope="session")
def open_miniature(tables: dict[str, dict[str, Any]]) -> Iterator[Callable[..., Recognizer]]:
    """Load a miniature: `open_miniature("onnx", "v3_ctc", precision="fp32")`; loaded once a session."""
    modules = {"onnx": govor_gigaam_onnx, "torch": govor_gigaam_torch}
    opened: dict[tuple[str, str, str], Recognizer] = {}

    def load(runtime: str, head: str, precision: str = "auto") -> Recognizer:
        key = (runtime, head, precision)
        if key not in opened:
            table = {**tables[f"gigaam-{runtime}"], "precision": precision}
            backend = modules[runtime].backend(table)
            spec: ModelSpec = next(spec for spec in backend.models() if spec.id == f"mini-{head}")
            opened[key] = backend.load(spec, Path(spec.folder), RuntimeOptions("cpu"))
        return opened[key]

    yield load
    for recognizer in opened.values():
        recognizer.close()


@pytest.fixture(scope="session")
def heldout() -> list[HeldOut]:
    """The committed recordings."""
    return recorded()


@pytest.fixture(scope="session")
def heard(open_miniature: Callable[..., Recognizer], heldout: list[HeldOut]) -> Callable[..., list[Segment]]:
    """Return a miniature's result for every held-out recording, one at a time, with words and tokens."""
    known: dict[tuple[str, ...], list[Segment]] = {}

    def hear(*key: str) -> list[Segment]:
        if key not in known:
            recognizer = open_miniature(*key)
            known[key] = [recognizer.transcribe([one.samples()], EVERYTHING)[0][0] for one in heldout]
        return known[key]

    return hear
