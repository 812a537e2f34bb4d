"""Build a checkpoint's model, features and vocabulary, and check them against each other.

Every fault raises LoadFailed with the file's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

import govor
from govor_gigaam_torch.checkpoint.reading import FILTERS, WINDOW, Checkpoint
from govor_gigaam_torch.decoding.vocabulary import characters, sentencepiece
from govor_gigaam_torch.network.features import FeatureConfig, LogMel, make_filters, make_window
from govor_gigaam_torch.network.model import EncoderConfig, GigaAM, HeadConfig

Config = TypeVar("Config")
SHOWN = 3
"""Most names of weights in an error message."""


def build_network(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype = torch.float32) -> GigaAM:
    """Return the model for inference, its encoder in `dtype`, its head in float32."""
    described = _parse(checkpoint, "encoder", EncoderConfig)
    width, layers = _encoder_sizes(checkpoint)
    try:
        with torch.device("meta"):  # no memory, no random numbers
            network = GigaAM(replace(described, d_model=width, n_layers=layers), _head_config(checkpoint))
    except (ValueError, RuntimeError) as error:
        raise govor.LoadFailed(f"{checkpoint.path} describes no model that can be: {error}") from error
    expected = network.state_dict()
    weights = {name: weight for name, weight in checkpoint.weights.items() if name not in (WINDOW, FILTERS)}
    faults = _faults(weights, expected)
    if faults:
        raise govor.LoadFailed(f"{checkpoint.path} does not hold the model that it describes: it {faults}.")
    for name, value in expected.items():
        halved = name.startswith("encoder.") and value.is_floating_point()
        expected[name] = weights[name].to(device, dtype if halved else value.dtype, copy=True)
    network.load_state_dict(expected, assign=True)
    return network.eval().requires_grad_(False)


def build_features(checkpoint: Checkpoint, device: torch.device) -> LogMel:
    """Return the features that the model was trained on, with its own window and filters if it has them."""
    config = _parse(checkpoint, "preprocessor", FeatureConfig)
    window, filters = make_window(config), make_filters(config)
    own = checkpoint.weights.get(WINDOW, window), checkpoint.weights.get(FILTERS, filters)
    if (own[0].shape, own[1].shape) != (window.shape, filters.shape):
        raise govor.LoadFailed(
            f"{checkpoint.path} has a window or mel filters of another size than it describes."
        )
    return LogMel(config, *own, device)


def build_vocabulary(checkpoint: Checkpoint, tokenizer: Path | None) -> govor.Vocabulary:
    """Return the tokens: those of the SentencePiece model `tokenizer`, else the checkpoint's characters.

    There must be one fewer than the head has classes, for the blank.
    """
    if tokenizer is not None:
        vocabulary, source = sentencepiece(tokenizer), str(tokenizer)
    else:
        vocabulary, source = characters(_characters(checkpoint)), "its config"
    classes = _head_config(checkpoint).num_classes
    if len(vocabulary) + 1 != classes:
        raise govor.LoadFailed(
            f"{checkpoint.path} has {classes} classes, one of them the blank, "
            f"but the vocabulary of {source} has {len(vocabulary)} tokens."
        )
    return vocabulary


def _parse(checkpoint: Checkpoint, table: str, kind: type[Config]) -> Config:
    """Read a table's known fields; missing ones get v2's values, as in upstream's code."""
    try:
        return TypeAdapter(kind).validate_python(checkpoint.tables.get(table) or {})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, (table, *each['loc'])))}: {each['msg']}" for each in error.errors()]
        raise govor.LoadFailed(f"{checkpoint.path} describes no GigaAM: {'; '.join(faults)}.") from error


def _encoder_sizes(checkpoint: Checkpoint) -> tuple[int, int]:
    """Return d_model and n_layers from the weights; the config could state sizes beyond any memory."""
    norm = checkpoint.weights.get("encoder.layers.0.norm_out.weight")
    if norm is None or norm.dim() != 1:
        raise govor.LoadFailed(f"{checkpoint.path} is no checkpoint of GigaAM: it has no Conformer encoder.")
    numbers = {name.split(".")[2] for name in checkpoint.weights if name.startswith("encoder.layers.")}
    return len(norm), len(numbers)


def _head_config(checkpoint: Checkpoint) -> HeadConfig:
    """Find the head and its sizes from the weights."""
    weights = checkpoint.weights
    ctc = weights.get("head.decoder_layers.0.bias")
    if ctc is not None and ctc.dim() == 1:
        return HeadConfig("ctc", len(ctc))
    embedding, joiner = weights.get("head.decoder.embed.weight"), weights.get("head.joint.enc.bias")
    if embedding is None or joiner is None or (embedding.dim(), joiner.dim()) != (2, 1):
        raise govor.LoadFailed(
            f"{checkpoint.path} has neither a CTC nor an RNN-T head: it recognises no speech."
        )
    layers = sum(name.startswith("head.decoder.lstm.weight_hh_l") for name in weights)
    return HeadConfig("rnnt", len(embedding), embedding.shape[1], layers, len(joiner))


def _characters(checkpoint: Checkpoint) -> list[str]:
    decoding = checkpoint.tables.get("decoding")
    letters = decoding.get("vocabulary") if isinstance(decoding, dict) else None
    if not isinstance(letters, list) or not all(isinstance(letter, str) for letter in letters):
        raise govor.LoadFailed(
            f"{checkpoint.path} holds no vocabulary: name the SentencePiece file it was trained with."
        )
    return letters


def _faults(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Describe how the weights differ from the expected ones; "" if they do not."""
    both = expected.keys() & weights.keys()
    faults = {
        "lacks": expected.keys() - both,
        "has, of no use,": weights.keys() - both,
        "has in another size": {name for name in both if expected[name].shape != weights[name].shape},
    }
    return "; ".join(f"{what} {_some(names)}" for what, names in faults.items() if names)


def _some(names: AbstractSet[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
