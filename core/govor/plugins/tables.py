"""The tables of plugins in plugins.toml, and the faults in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ValidationError

from govor.errors.values import Item, did_you_mean, place_of, stands_above, wrong_value
from govor.settings import Settings


def own_table(settings: Settings, name: str) -> dict[str, Any]:
    """Return the table `[plugins.NAME]` of a plugin.

    An environment variable's name has no hyphen: GOVOR_PLUGINS__GIGAAM_ONNX__… is of gigaam-onnx.
    """
    return {**settings.plugins.get(name, {}), **settings.plugins.get(name.replace("-", "_"), {})}


def faults_of(error: ValidationError, module: str) -> str:
    """Describe the wrong keys of a table, without the values: one may be a secret."""
    known = _keys_of(error.title, module.partition(".")[0])
    return "; ".join(_fault(item, known) for item in error.errors(include_url=False))


def _fault(item: Item, known: Collection[str]) -> str:
    if item["type"] == "extra_forbidden":
        key = str(item["loc"][-1])
        if key in Settings.model_fields:
            return stands_above(key)
        return f"there is no key '{place_of(item)}'{did_you_mean(key, known)}"
    return f"{place_of(item)}: {wrong_value(item)}"


def _keys_of(title: str, package: str) -> Collection[str]:
    """Return the keys of a plugin's own settings class; the error has only the name of the class."""
    kinds = list(BaseModel.__subclasses__())
    for kind in kinds:
        if kind.__name__ == title and kind.__module__.partition(".")[0] == package:
            return kind.model_fields
        kinds += kind.__subclasses__()
    return ()
