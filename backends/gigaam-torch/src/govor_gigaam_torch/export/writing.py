"""Write a checkpoint as ONNX files in the layout of the public exports. Imports torch, onnx, onnxruntime."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
import torch

import govor
from govor_gigaam_torch.checkpoint.assembly import build_features, build_network, build_vocabulary
from govor_gigaam_torch.checkpoint.reading import FILTERS, WINDOW, Checkpoint, read_checkpoint
from govor_gigaam_torch.decoding.vocabulary import MULTILINGUAL, SPACE, characters, pieces
from govor_gigaam_torch.export.comparison import Difference, compare
from govor_gigaam_torch.export.graphs import Part, parts_of, trace
from govor_gigaam_torch.export.quantisation import halve, quantise
from govor_gigaam_torch.network import features
from govor_gigaam_torch.network.features import FeatureConfig, make_filters, make_window
from govor_gigaam_torch.network.heads import CTCHead
from govor_gigaam_torch.network.model import V3, GigaAM

Precision = Literal["fp32", "fp16", "int8"]

SUFFIXES = {"fp32": "", "fp16": ".fp16", "int8": ".int8"}
LIMITS = {"fp32": 1e-4, "fp16": 0.02, "int8": 0.3}
"""Largest relative difference to torch. Seen on random weights: 1e-5, 0.003 and 0.14."""
OTHER_FRONT_END = 5e-3
"""Least difference that counts as other features, in a window or filters with values up to 1. Rounding them
to bfloat16 makes 2e-3.
"""
BLANK = "<blk>"
MAX_SYMBOLS = 3
"""Tokens at one frame, for programs that read this. The public exports have this value; torch's is 10."""
LARGEST_FILE = 2**31 - 2**24
"""Most bytes of weights in the graph's file; protobuf takes 2 GB. Larger ones are beside it in
FILE.onnx.data.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """The files that were written."""

    files: tuple[Path, ...]
    difference: Difference


@dataclass(frozen=True, slots=True)
class _Model:
    network: GigaAM
    log_mel: features.LogMel
    vocabulary: str
    """Content of the vocabulary file."""
    generation: str
    default_name: str


def export(
    checkpoint: Path,
    folder: Path,
    *,
    tokenizer: Path | None = None,
    precision: Precision = "fp32",
    name: str = "",
    overwrite: bool = False,
    tell: Callable[[str], None] = lambda step: None,
) -> Exported:
    """Write a model's files into `folder`, all or none; `tell` is called with each step before it begins.

    `name` begins the names of the files; default: upstream's for the kind of model. Raises LoadFailed, which
    names the faulty file, and InvalidParam if files would be overwritten.
    """
    tell(f"Reading {checkpoint}")
    model = _read(checkpoint, tokenizer)
    name = name or model.default_name
    small = {
        f"{_vocabulary_name(name)}_vocab.txt": model.vocabulary,
        "config.json": _config(model),
    }
    parts = list(parts_of(model.network))
    names = {
        part.name: f"{'_'.join(filter(None, (name, part.name)))}{SUFFIXES[precision]}.onnx" for part in parts
    }
    if not overwrite:
        _check_free(folder, list(names.values()), small)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", suffix=".part", dir=folder) as unfinished:
        place = Path(unfinished)
        for part in parts:
            tell(f"Writing {names[part.name]}")
            _write(part, place / names[part.name], precision)
        tell("Comparing with torch")
        difference = compare(model.network, model.log_mel, [place / each for each in names.values()])
        if not difference.relative <= LIMITS[precision]:
            raise govor.LoadFailed(
                f"{checkpoint} was not exported: in {precision} its results would differ from torch's "
                f"by {difference.relative:.2g} of their variation; {LIMITS[precision]} is allowed."
            )
        for file, text in small.items():
            (place / file).write_text(text, encoding="utf-8")
        written = tuple(path.replace(folder / path.name) for path in sorted(place.iterdir()))
    return Exported(written, difference)


def _read(path: Path, tokenizer: Path | None) -> _Model:
    opened = read_checkpoint(path)
    device = torch.device("cpu")
    network = build_network(opened, device)
    log_mel = build_features(opened, device)
    vocabulary = build_vocabulary(opened, tokenizer)
    _check_front_end(opened, log_mel.config)
    names = [token.decode() for token in vocabulary.tokens] if tokenizer is None else pieces(tokenizer)
    lines = (f"{each.replace(' ', SPACE)} {index}\n" for index, each in enumerate((*names, BLANK)))
    generation = _generation(network, log_mel.config)
    kind = "ctc" if isinstance(network.head, CTCHead) else "rnnt"
    return _Model(
        network, log_mel, "".join(lines), generation, f"{_family(network, vocabulary, generation)}_{kind}"
    )


def _check_front_end(checkpoint: Checkpoint, config: FeatureConfig) -> None:
    """Raise LoadFailed for features that no reader of exports can compute."""
    usual = {WINDOW: make_window(config), FILTERS: make_filters(config)}
    stored = {name: checkpoint.weights.get(name, values) for name, values in usual.items()}
    apart = max(float((stored[name] - values).abs().max()) for name, values in usual.items())
    if config not in (features.V2, features.V3) or not apart <= OTHER_FRONT_END:
        raise govor.LoadFailed(
            f"{checkpoint.path} was not exported: it was trained on other features than published models, "
            "and an export does not hold any. The plugin gigaam-torch can run it as it is."
        )


def _generation(network: GigaAM, config: FeatureConfig) -> str:
    """Return v1, v2 or v3; the multilingual models have the features and layers of v3."""
    if config == features.V3:
        return "v3"
    return "v1" if network.encoder.config.self_attention_model == "rel_pos" else "v2"


def _family(network: GigaAM, vocabulary: govor.Vocabulary, generation: str) -> str:
    """Return the beginning of upstream's name for such a model."""
    if vocabulary == characters(MULTILINGUAL):
        return "multilingual_large" if network.encoder.config.d_model > V3.d_model else "multilingual"
    in_pieces = not vocabulary.spaces_separate and generation != "v1"
    return f"{generation}_e2e" if in_pieces else generation


def _vocabulary_name(name: str) -> str:
    """Return the public exports' name for a vocabulary: with the head only if its vocabulary differs."""
    if "e2e" in name:
        return name
    return name.removesuffix("_ctc").removesuffix("_rnnt").replace("multilingual_large", "multilingual")


def _config(model: _Model) -> str:
    encoder = model.network.encoder.config
    return json.dumps(
        {
            "model_type": "gigaam",
            "version": model.generation,
            "features_size": encoder.feat_in,
            "subsampling_factor": encoder.subsampling_factor,
            "max_tokens_per_step": MAX_SYMBOLS,
        },
        indent=4,
    )


def _check_free(folder: Path, graphs: list[str], small: dict[str, str]) -> None:
    """Raise InvalidParam if a file exists; an identical one may exist."""
    taken = [name for name in graphs if (folder / name).exists()]
    taken += [
        name
        for name, text in small.items()
        if (folder / name).exists() and (folder / name).read_bytes() != text.encode()
    ]
    if taken:
        raise govor.InvalidParam(f"{folder} holds {', '.join(taken)} already; --force overwrites.")


def _write(part: Part, path: Path, precision: Precision) -> None:
    """Write one part; decoder and joint, a hundredth of an RNN-T model, are exact in every precision."""
    traced = path.parent / "traced"
    traced.mkdir()
    trace(part, traced / path.name)
    model = onnx.load(traced / path.name)
    shutil.rmtree(traced)
    for node in model.graph.node:
        node.ClearField("doc_string")  # the tracer's, with paths of this machine's sources
    if part.name in ("", "encoder") and precision != "fp32":
        (halve if precision == "fp16" else quantise)(model)
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    data = path.with_name(f"{path.name}.data")
    onnx.save(model, path, save_as_external_data=size > LARGEST_FILE, location=data.name)
    if data.exists():
        shutil.copymode(path, data)  # onnx makes it readable to its owner alone
