"""The numbers that a model computes with. Imports torch: for `load` alone."""

from __future__ import annotations

from typing import Literal

import torch

import govor

Precision = Literal["auto", "fp32", "fp16", "bf16"]
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_precision(wish: str, setting: Precision, device: torch.device) -> str:
    """Return what the encoder computes in: the model's own wish, else the plugin's setting, else the best.

    Raises LoadFailed where it is unknown.
    """
    precision = setting if wish == "auto" else wish
    if precision == "auto":
        return "fp16" if device.type == "cuda" else "fp32"
    if precision not in DTYPES:
        raise govor.LoadFailed(f"GigaAM in torch cannot compute in '{wish}': say auto, {', '.join(DTYPES)}.")
    return precision
