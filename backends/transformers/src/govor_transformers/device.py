"""Where a model runs, and with which numbers. Imports torch: for `load` alone."""

from __future__ import annotations

import re
from typing import Literal

import torch

import govor

Precision = Literal["auto", "fp32", "fp16", "bf16"]
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def place(device: str) -> torch.device:
    """Return the device for "auto" (the best that is there), "cpu", "cuda", "cuda:1" or "mps".

    Raises LoadFailed where it is not there.
    """
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if cards else "mps" if mps else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    if device == "mps":
        if not mps:
            raise govor.LoadFailed("There is no device 'mps': this torch sees no Apple GPU.")
        return torch.device("mps")
    match = re.fullmatch(r"cuda(?::(\d+))?", device)
    if not match:
        raise govor.LoadFailed(
            f"transformers does not know the device '{device}': say auto, cpu, cuda, cuda:N or mps."
        )
    index = int(match[1] or 0)
    if index >= cards:
        raise govor.LoadFailed(
            f"There is no device '{device}': torch {torch.__version__} sees {cards} CUDA devices."
        )
    return torch.device("cuda", index)


def choose_precision(wish: str, setting: Precision, device: torch.device, family: str) -> str:
    """Return what the model computes in: its own wish, else the plugin's setting, else the best.

    Raises LoadFailed where it is unknown.
    """
    precision = setting if wish == "auto" else wish
    if precision == "auto":
        on_gpu = "bf16" if family == "voxtral" else "fp16"  # published in bf16
        return on_gpu if device.type == "cuda" else "fp32"
    if precision not in DTYPES:
        raise govor.LoadFailed(f"transformers cannot compute in '{wish}': say auto, {', '.join(DTYPES)}.")
    return precision
