"""Run models with the user's own installed package `gigaam` in place of Govor's code, from the same files.

Tested with gigaam 0.1.0, which knows v1 and v2. Returns text only: other results of upstream's differ by
version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

import govor
from govor_gigaam_torch.checkpoint.reading import Checkpoint, read_checkpoint
from govor_gigaam_torch.settings import GigaAMTorchSettings

TABLES = ("preprocessor", "encoder", "head", "decoding")
CLASSES = frozenset(
    {
        "gigaam.decoder.CTCHead",
        "gigaam.decoder.RNNTHead",
        "gigaam.decoding.CTCGreedyDecoding",
        "gigaam.decoding.RNNTGreedyDecoding",
        "gigaam.encoder.ConformerEncoder",
        "gigaam.preprocess.FeatureExtractor",
    }
)
"""Classes that a config may name: upstream imports and calls any class that it names."""
SHORTEST = 400
"""Samples; upstream's features fail on less than half a window."""


def load_upstream(
    spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions, settings: GigaAMTorchSettings
) -> UpstreamRecognizer:
    """Build a model as `gigaam.load_model` does, from the files of `load_recognizer`. Raises LoadFailed."""
    where: torch.device = govor.choose_torch_device(torch, runtime.device, family="GigaAM")
    precision = "fp32" if where.type == "cpu" else "fp16"
    if runtime.precision not in ("auto", precision):
        raise govor.LoadFailed(
            f"The package `gigaam` computes in {precision} on '{where}', not in '{runtime.precision}'."
        )
    checkpoint = read_checkpoint(folder / spec.files[0].name)
    tables = _checked_tables(checkpoint)
    tables["encoder"]["flash_attn"] = False
    if len(spec.files) > 1:
        tables["decoding"]["model_path"] = str(folder / spec.files[1].name)
    try:
        config = import_module("omegaconf").OmegaConf.create(tables)
        model = import_module("gigaam.model").GigaAMASR(config)
        model.load_state_dict(dict(checkpoint.weights))
    except Exception as error:  # a package of any version, its imports, hydra: each may raise any exception
        raise govor.LoadFailed(
            f"The installed package `gigaam` cannot load {checkpoint.path}: {error}"
        ) from error
    model.decoding.max_symbols = settings.max_symbols
    if where.type != "cpu":
        model.encoder.half()
    return UpstreamRecognizer(model.eval().to(where), spec, where, precision)


class UpstreamRecognizer:
    """One of upstream's models; transcribes arrays one by one, as upstream does."""

    def __init__(self, model: Any, spec: govor.ModelSpec, device: torch.device, precision: str):
        self.info = govor.RecognizerInfo(govor.RuntimeOptions(str(device), workers=1, precision=precision))
        self._model = model
        self._language = spec.languages[0] if len(spec.languages) == 1 else None
        self._device = device

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[list[govor.Segment]]:
        return [self._recognize(torch.tensor(audio)) for audio in batch]

    @torch.inference_mode()
    def _recognize(self, audio: torch.Tensor) -> list[govor.Segment]:
        audio = torch.nn.functional.pad(audio, (0, max(0, SHORTEST - len(audio)))).to(self._device)
        encoded, lengths = self._model(audio.unsqueeze(0), torch.tensor([len(audio)], device=self._device))
        [decoded] = self._model.decoding.decode(self._model.head, encoded, lengths)
        text = decoded if isinstance(decoded, str) else decoded[0]  # newer versions return more than the text
        return [govor.Segment(text.strip(), language=self._language)] if text.strip() else []

    def close(self) -> None:
        self._model.to("meta")
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _checked_tables(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    """Return a copy of the config. Raises LoadFailed if it names other classes than upstream's."""
    tables = {name: dict(checkpoint.tables.get(name) or {}) for name in TABLES}
    foreign = sorted(set(_targets(tables)) - CLASSES)
    if foreign:
        raise govor.LoadFailed(f"{checkpoint.path} was not loaded: its config names {', '.join(foreign)}.")
    return tables


def _targets(table: object) -> Iterator[str]:
    """Yield every class that hydra would call."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key == "_target_":
                yield str(value)
            yield from _targets(value)
    elif isinstance(table, list):
        for value in table:
            yield from _targets(value)
