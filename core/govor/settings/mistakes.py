"""Describe wrong settings by their place, without the value, which may be secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from govor.errors.values import Item, did_you_mean, place_of, stands_above, wrong_value

SHOWN = 5
"""Most faults of a file in one message; a file that is not Govor's may have a hundred."""


def explain(
    error: ValidationError,
    fields: Mapping[str, FieldInfo],
    overrides: Mapping[str, Any],
    path: Path | None,
    *,
    is_found: bool,
) -> str:
    """Return a sentence on each fault and its source.

    `fields` are the known settings, `overrides` those of the command line. `is_found`: the file was found in
    the current folder and not named.
    """
    sentences, of_file = [], []
    for item in error.errors(include_url=False):
        if source := _given_by(item, overrides):
            sentences.append(f"{source}: {wrong_value(item)}")
        else:
            of_file.append(_of_file(item, fields))
    if of_file:
        more = f"; and {len(of_file) - SHOWN} more" if len(of_file) > SHOWN else ""
        sentences.append(f"{path}{_how_found(path) if is_found else ''}: {'; '.join(of_file[:SHOWN])}{more}")
    return "; ".join(sentences)


def _given_by(item: Item, overrides: Mapping[str, Any]) -> str:
    """Return the flag or the variable that gave the value; "": it is from the file."""
    where = [str(part) for part in item["loc"]]
    if where[0] in overrides:
        return f"--{where[0].replace('_', '-')}"
    given = {name.upper() for name in os.environ}
    names = (f"GOVOR_{'__'.join(where)}".upper(), f"GOVOR_{where[0]}".upper())
    return next((name for name in names if name in given), "")


def _of_file(item: Item, fields: Mapping[str, FieldInfo]) -> str:
    if item["type"] != "extra_forbidden":
        return f"{place_of(item)}: {wrong_value(item)}"
    name, *_ = where = [str(part) for part in item["loc"]]
    if len(where) > 1:
        return f"there is no key '{place_of(item)}'{did_you_mean(where[-1], _keys_of(fields[name]))}"
    if isinstance(item["input"], dict):
        return f"there is no table [{name}]{_table_meant(name, item['input'], fields)}"
    return f"there is no setting '{name}'{did_you_mean(name, fields)}"


def _table_meant(name: str, content: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> str:
    """Return the end of a sentence about an unknown table: where its content belongs."""
    if plugin := _plugin(name):
        return f"; the plugin's is [plugins.{plugin}]"
    if settings := [key for key in content if key in fields]:
        return f"; {stands_above(settings[0])}"
    tables = (one for one, field in fields.items() if "dict" in str(field.annotation) or _keys_of(field))
    return did_you_mean(name, tables)


def _plugin(name: str) -> str:
    """Return the installed plugin that a table of this name is meant for; "": there is none."""
    installed = [point.name for point in entry_points(group="govor")]
    return next((one for one in installed if one.replace("-", "_") == name.replace("-", "_")), "")


def _keys_of(field: FieldInfo) -> Iterable[str]:
    """Return the keys of a setting that is a table, or of each table in it."""
    kinds = [field.annotation]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind.model_fields
        if get_origin(kind) is not None:
            kinds += get_args(kind)
    return ()


def _how_found(path: Path | None) -> str:
    folder = path.resolve().parent if path else ""
    return f" (read because it lies in the current folder, {folder}; --config names another)"
