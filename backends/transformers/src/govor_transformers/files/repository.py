"""Check a repository's content: required files, and files that are never used. Reads names and JSON only."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import govor

PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
WANTED = (
    "config.json",
    "generation_config.json",
    *PREPROCESSORS,
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "normalizer.json",
    "vocab.json",
    "merges.txt",
    "tekken.json",
)
WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
"""Excludes `model.fp32-…` and `consolidated.safetensors`, which are the same weights once more."""
PICKLES = re.compile(r"pytorch_model.*\.bin|.*\.(?:ckpt|pt|pth)")
CONFIGS = ("config.json", *PREPROCESSORS, "tokenizer_config.json")

FAMILIES = {
    "whisper": "whisper",
    "moonshine": "sequence",
    "voxtral": "voxtral",
    **dict.fromkeys(
        (
            "wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "sew", "sew-d", "data2vec-audio",
            "wav2vec2-conformer", "wav2vec2-bert",
        ),
        "ctc",
    ),
}  # fmt: skip
"""Families by `model_type` of config.json."""
HEADS = {"whisper": "ForConditionalGeneration", "sequence": "ForConditionalGeneration",
         "voxtral": "ForConditionalGeneration", "ctc": "ForCTC"}  # fmt: skip
"""Ends of the names of architectures that write text."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Facts from config.json."""

    family: str
    config: dict[str, Any]
    has_code: bool
    """Whether a file names Python code of the repository's own."""


def chosen_files(names: Sequence[str]) -> tuple[str, ...]:
    """Return those of a repository's files that make one model, never code; none if it holds no such model.

    Raises ValueError if its weights are pickles only.
    """
    if "config.json" not in names or not set(PREPROCESSORS) & set(names):
        return ()
    weights = [WHOLE] if WHOLE in names else [name for name in names if SHARD.fullmatch(name)]
    if weights and weights != [WHOLE]:
        weights = [*weights, INDEX] if INDEX in names else []
    if not weights:
        pickles = sorted(
            name for name in names if name.startswith("pytorch_model") and PICKLES.fullmatch(name)
        )
        if pickles:
            raise ValueError(
                f"its weights are pickles only ({pickles[0]}), which can run code when they are opened; "
                "Govor takes safetensors"
            )
        return ()
    return (*(name for name in WANTED if name in names), *weights)


def examine(spec: govor.ModelSpec, folder: Path, *, trusted: bool) -> Contents:
    """Return the content of a folder. Raises LoadFailed, with the reason, if it must not be loaded."""
    config = _read_json(folder / "config.json", spec)
    weights = [path.name for path in folder.glob("*.safetensors")]
    if not weights:
        pickles = [path.name for path in folder.iterdir() if PICKLES.fullmatch(path.name)]
        found = f", only {', '.join(sorted(pickles))}: pickles can run code" if pickles else ""
        raise govor.LoadFailed(f"The model '{spec.id}' in {folder} has no safetensors{found}.")
    with_code = [
        name
        for name in CONFIGS
        if (folder / name).is_file() and "auto_map" in _read_json(folder / name, spec)
    ]
    if with_code and not trusted:
        raise govor.LoadFailed(
            f"The model '{spec.id}' wants to run Python code of its own (auto_map in "
            f"{', '.join(with_code)}). It is not run unless the model's own table in [plugins.transformers] "
            "says trust_remote_code = true."
        )
    return Contents(_family(spec, config, bool(with_code)), config, bool(with_code))


def _family(spec: govor.ModelSpec, config: dict[str, Any], has_code: bool) -> str:
    """Return the family of an architecture. Raises LoadFailed if there is none."""
    kind = str(config.get("model_type", ""))
    names = [str(name) for name in config.get("architectures") or ()]
    if has_code:
        return "ctc" if "AutoModelForCTC" in config.get("auto_map", {}) else "sequence"
    family = FAMILIES.get(kind)
    shown = " ".join(names) or kind or "(none named)"
    if family is None:
        known = ", ".join(sorted(FAMILIES))
        raise govor.LoadFailed(
            f"The model '{spec.id}' has the architecture {shown}, which this plugin does not run: "
            f"it runs {known}."
        )
    if names and not any(name.endswith(HEADS[family]) for name in names):
        raise govor.LoadFailed(
            f"The model '{spec.id}' has the architecture {shown}, which writes no text: one that ends with "
            f"{HEADS[family]} does."
        )
    return family


def _read_json(path: Path, spec: govor.ModelSpec) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise govor.LoadFailed(f"The model '{spec.id}' cannot be read: {path}: {error}") from error
    if not isinstance(body, dict):
        raise govor.LoadFailed(f"The model '{spec.id}' cannot be read: {path} holds no table.")
    return body
