"""The configuration file, and whether it or the environment may set something. Imports nothing heavy."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path

from govor.errors import ConfigurationError

VARIABLE = "GOVOR_CONFIG"
"""Environment variable that names the file."""


def is_named(config: Path | None) -> bool:
    """Return whether a flag or the environment names the file; else the one in the current folder counts."""
    return config is not None or bool(os.environ.get(VARIABLE))


def config_file(config: Path | None) -> Path | None:
    """Return the plugins.toml to read: `config`, else $GOVOR_CONFIG, else ./plugins.toml if it is there.

    Raises ConfigurationError if a named file is missing.
    """
    path = config or Path(os.environ.get(VARIABLE) or "plugins.toml")
    if path.is_file():
        return path
    if is_named(config):
        raise ConfigurationError(f"There is no file {path}.")
    return None


def may_set(config: Path | None, settings: Iterable[str]) -> bool:
    """Return whether the environment or the file may have a value for one of the settings, without pydantic.

    Also if the file cannot be read: reading all settings then explains the error.
    """
    names = list(settings)
    variables = set(map(str.upper, os.environ))
    if any(f"GOVOR_{name.upper()}" in variables for name in names):
        return True
    try:
        path = config_file(config)
        table = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except (ConfigurationError, OSError, ValueError):
        return True
    return any(table.get(name) for name in names)
