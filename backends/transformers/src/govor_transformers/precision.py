"""Choose a model's precision. Imports torch: for `load` alone."""

from __future__ import annotations

from typing import Literal

import torch

import govor

Precision = Literal["auto", "fp32", "fp16", "bf16"]
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_precision(requested: str, setting: Precision, device: torch.device, family: str) -> str:
    """Return the model's precision: its own setting, else the plugin's, else the best.

    Raises LoadFailed if it is unknown.
    """
    precision = setting if requested == "auto" else requested
    if precision == "auto":
        on_gpu = "bf16" if family == "voxtral" else "fp16"  # published in bf16
        return on_gpu if device.type == "cuda" else "fp32"
    if precision not in DTYPES:
        raise govor.LoadFailed(
            f"transformers cannot compute in '{requested}': say auto, {', '.join(DTYPES)}."
        )
    return precision
