"""Options that a model cannot honour, told to the user."""

from __future__ import annotations

from collections.abc import Collection, Sequence

PLUGINS = {"itn": "text"}
"""Options that a plugin of this project adds to every model, with the plugin."""


def cannot_honour(model: str, names: Sequence[str]) -> str:
    """Return the line about options that `model`, as a sentence names it, cannot honour."""
    told = [f"{name} (the plugin '{PLUGINS[name]}' adds it)" if name in PLUGINS else name for name in names]
    return f"govor: {model} cannot honour: {', '.join(told)}"


def ignored_names(header: str, unasked: Collection[str]) -> list[str]:
    """Return the names in a header `x-govor-ignored`, without those that the user did not ask for."""
    hidden = {"timestamp_granularities"} if "words" in unasked else set()
    return [name for name in header.split(", ") if name and name not in hidden]
