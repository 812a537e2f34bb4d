"""Choose the device of a model from the operator's setting and the machine's devices.

Imports no model library.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from govor.errors import LoadFailed


def choose_device(device: str, *, family: str, library: str, cuda: int, mps: bool | None = None) -> str:
    """Return the device for "auto" (the best that the machine has), "cpu", "cuda", "cuda:1" or "mps".

    `family` and `library` appear in messages. `cuda` is the number of CUDA devices that the library sees.
    `mps` says whether it sees an Apple GPU; None: the library cannot use one. Raises LoadFailed if there is
    no such device.
    """
    if device == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    if device == "cpu":
        return "cpu"
    if device == "mps" and mps is not None:
        if not mps:
            raise LoadFailed(f"There is no device 'mps': {library} sees no Apple GPU.")
        return "mps"
    match = re.fullmatch(r"cuda(?::(\d+))?", device)
    if not match:
        known = "auto, cpu, cuda or cuda:N" if mps is None else "auto, cpu, cuda, cuda:N or mps"
        raise LoadFailed(f"{family} does not know the device '{device}': say {known}.")
    index = int(match[1] or 0)
    if index >= cuda:
        raise LoadFailed(f"There is no device '{device}': {library} sees {cuda} CUDA devices.")
    return f"cuda:{index}"


def choose_torch_device(torch: ModuleType, device: str, *, family: str) -> Any:
    """Return the `torch.device` for a device that `choose_device` accepts. The core does not import `torch`
    itself.

    Raises LoadFailed if there is no such device.
    """
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    library = f"torch {torch.__version__}"
    return torch.device(choose_device(device, family=family, library=library, cuda=cuda, mps=mps))
