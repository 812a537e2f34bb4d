"""Flags of open-stt-server that `govor serve` takes: each stands for a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from govor.cli.terminal.options import BARE

FLAGS = {
    "preload": "--model or --default-model",
    "default_models": "--model or --default-model",
    "device": "--force-cpu",
    "api_keys": "--api-key",
}
"""Settings, and the flags that set them."""


def open_stt_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags to a command."""
    model = "Load this model; may be repeated. Short for --preload, and --default-models for the first."
    default = "Model for requests that name none. Short for --default-models."
    for option in (
        click.option("--api-key", metavar="KEY", help="Ask for this key. Short for --api-keys."),
        click.option("--force-cpu", is_flag=True, help="Use no GPU. Short for --device cpu."),
        click.option("--default-model", metavar="NAME", help=default),
        click.option("--model", "models", multiple=True, metavar="NAME", help=model),
    ):
        command = option(command)
    return command


def translate(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with these flags replaced by settings. Raises UsageError if both are given."""
    if options.get("download") == BARE:
        options |= {"download": None, "auto_pull": True}
    models: list[str] = list(options.pop("models"))
    default = options.pop("default_model") or (models[0] if models else None)
    if default and default not in models:
        models.append(default)
    meant = {
        "preload": ",".join(models) or None,
        "default_models": default,
        "device": "cpu" if options.pop("force_cpu") else None,
        "api_keys": options.pop("api_key"),
    }
    for setting, value in meant.items():
        if value is not None and options.get(setting) is not None:
            raise click.UsageError(f"Give --{setting.replace('_', '-')} or {FLAGS[setting]}, not both.")
    return {**options, **{setting: value for setting, value in meant.items() if value is not None}}
