"""Open a checkpoint without running its code.

A checkpoint is a pickle, which may name any class or function. torch's restricted unpickler accepts tensors
and plain containers; upstream's checkpoints also name omegaconf's config nodes and the classes that these
mention. Here stand-ins take their place, so omegaconf is neither needed nor run, and every other name is
refused.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

import govor

DEEPEST = 16
"""Most levels of nesting; upstream's configs have five."""


class ConfigNode:
    """Stands for a node of omegaconf's; keeps its content: a dict, a list or a plain value."""

    held: Any = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.held = state["_content"] if "_content" in state else state.get("_val")


class Inert:
    """Stands for a class that is only mentioned, or whose instances say nothing of the model."""

    def __init__(self, *args: object):
        """Ignore the arguments."""

    def __setstate__(self, state: object) -> None:
        """Ignore the state."""


NODES = (
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.BooleanNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.StringNode",
)
MENTIONED = (
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.str",
    "collections.defaultdict",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "typing.Any",
)
ALLOWED: list[Any] = [(ConfigNode, name) for name in NODES] + [(Inert, name) for name in MENTIONED]

# torch keeps one allow-list per process; the end of one thread's block would take it from another's.
_reading = threading.Lock()


def unpickle(path: Path) -> dict[str, Any]:
    """Return the saved object, with tensors mapped from the file. Raises LoadFailed; runs no code."""
    with _reading, safe_globals(ALLOWED):
        try:
            foreign = get_unsafe_globals_in_checkpoint(path)
            content = None if foreign else torch.load(path, "cpu", weights_only=True, mmap=True)
        except Exception as error:  # a damaged pickle can fail with any exception
            first_line = str(error).partition("\n")[0]
            raise govor.LoadFailed(f"{path} is damaged, or no checkpoint: {first_line}") from error
    if foreign:
        names = ", ".join(sorted(foreign))
        raise govor.LoadFailed(f"{path} was not opened: it names {names}, as no checkpoint of GigaAM does.")
    if not isinstance(content, dict):
        raise govor.LoadFailed(f"{path} is no checkpoint of GigaAM: it holds a {type(content).__name__}.")
    return content


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """Return a config as plain dicts, lists and values. Raises ValueError if it is nested too deep."""
    if depth == 0:
        raise ValueError(f"its config is nested deeper than {DEEPEST} levels")
    if isinstance(value, ConfigNode):
        return plain(value.held, depth - 1)
    if isinstance(value, dict):
        return {str(key): plain(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, depth - 1) for each in value]
    return value
