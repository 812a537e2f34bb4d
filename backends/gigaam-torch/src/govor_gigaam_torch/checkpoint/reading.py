"""Read a GigaAM checkpoint file: its weights, and the description of their model.

Three layouts. Published: `cfg` beside `state_dict`. From upstream's trainer: `hyper_parameters`, with a
`model_cfg` of the same form or, in older versions, just the name of the model that it began from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

import govor
from govor_gigaam_torch.checkpoint.unpickling import plain, unpickle
from govor_gigaam_torch.decoding.vocabulary import MULTILINGUAL, RUSSIAN
from govor_gigaam_torch.network import features, model

WINDOW = "preprocessor.featurizer.0.spectrogram.window"
FILTERS = "preprocessor.featurizer.0.mel_scale.fb"
PARTS = ("encoder.", "head.", WINDOW, FILTERS)
SHORT_NAMES = ("ctc", "rnnt", "e2e_ctc", "e2e_rnnt")
"""Upstream's, for v3."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened file."""

    path: Path
    tables: Mapping[str, Any]
    """Plain data in the form of upstream's configs: `preprocessor`, `encoder`, `head`, `decoding`."""
    weights: Mapping[str, Tensor]
    """Weights of the encoder, the head and the features: by upstream's names, as stored."""


def read_checkpoint(path: Path) -> Checkpoint:
    """Open a file of any of the layouts; runs no code of it. Raises LoadFailed, which names the file."""
    content = unpickle(path)
    stored = content.get("state_dict")
    if not isinstance(stored, dict):
        raise govor.LoadFailed(f"{path} is no checkpoint of GigaAM: it has no state_dict.")
    weights = {
        name: weight
        for name, weight in stored.items()
        if isinstance(weight, Tensor) and isinstance(name, str) and name.startswith(PARTS)
    }
    try:
        tables = _find_tables(content, weights)
    except ValueError as error:
        raise govor.LoadFailed(f"{path} is no checkpoint of GigaAM: {error}.") from error
    return Checkpoint(path, tables, weights)


def _find_tables(content: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """Return the config's tables. Raises ValueError if there are none."""
    trained = plain(content.get("hyper_parameters"))
    tables = plain(content.get("cfg"))
    if tables is None and isinstance(trained, dict):
        tables = trained.get("model_cfg") or _published_tables(str(trained.get("model_name")), weights)
    if not isinstance(tables, dict):
        raise ValueError("it has neither cfg nor hyper_parameters")
    return tables


def _published_tables(name: str, weights: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """Return the config of a published model by upstream's name for it, such as "v3_ctc"."""
    name = f"v3_{name}" if name in SHORT_NAMES else name
    generation = name.partition("_")[0]
    if generation not in ("v1", "v2", "v3", "multilingual"):
        raise ValueError(f"it began from '{name}', which is no published model, and does not describe itself")
    newer = generation in ("v3", "multilingual")
    encoder = model.V3 if newer else model.V2
    if any(weight.endswith("pos_bias_u") for weight in weights):
        encoder = replace(encoder, self_attention_model="rel_pos")
    in_pieces = "e2e" in name or name == "v1_rnnt"
    letters = MULTILINGUAL if generation == "multilingual" else RUSSIAN
    return {
        "preprocessor": asdict(features.V3 if newer else features.V2),
        "encoder": asdict(encoder),
        "decoding": {"vocabulary": None if in_pieces else list(letters)},
    }
