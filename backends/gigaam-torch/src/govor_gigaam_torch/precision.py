"""Choose a model's precision. Imports torch: for `load` alone."""

from __future__ import annotations

from typing import Literal

import torch

import govor

Precision = Literal["auto", "fp32", "fp16", "bf16"]
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_precision(requested: str, setting: Precision, device: torch.device) -> str:
    """Return the encoder's precision: the model's own setting, else the plugin's, else the best.

    Raises LoadFailed if it is unknown.
    """
    precision = setting if requested == "auto" else requested
    if precision == "auto":
        return "fp16" if device.type == "cuda" else "fp32"
    if precision not in DTYPES:
        raise govor.LoadFailed(
            f"GigaAM in torch cannot compute in '{requested}': say auto, {', '.join(DTYPES)}."
        )
    return precision
