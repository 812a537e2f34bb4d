"""Check what the hooks of plugins have declared: models, executors, commands."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from govor.contract.backends import ModelFamily
from govor.contract.models import ModelKind, ModelSpec
from govor.contract.workers import Executor
from govor.settings.model import OWN_DEVICES

SCHEME = re.compile(r"[a-z][a-z0-9_-]*")


def declared_models(family: ModelFamily[object], hook: str, kind: ModelKind) -> tuple[ModelSpec, ...]:
    """Return a family's models, checked. Raises TypeError or ValueError."""
    if isinstance(family, type):
        name = family.__name__
        raise TypeError(f"{hook}() gave the class {name}: give an object of it, as in {name}()")
    specs = tuple(family.models())
    seen: set[str] = set()
    for spec in specs:
        if not isinstance(spec, ModelSpec):
            raise TypeError(f"models() gave {type(spec).__name__} instead of ModelSpec")
        if not spec.id or spec.id in seen:
            raise ValueError(f"model id '{spec.id}' is empty or declared twice")
        if fault := _fault(spec):
            raise TypeError(f"model '{spec.id}': {fault}")
        if spec.kind is not kind:
            raise ValueError(f"model '{spec.id}' is of the kind {spec.kind}: {hook}() offers {kind}")
        seen.add(spec.id)
    return specs


def _fault(spec: ModelSpec) -> str:
    """Return the field of a model that is no tuple of what it shall hold; "": none.

    A text would count as its letters; what cannot be hashed or iterated would break all lists of models.
    """
    fields: list[tuple[str, object]] = [
        ("files", spec.files),
        ("languages", spec.languages),
        ("aliases", spec.aliases),
        ("wer", spec.wer),
        ("derived", spec.derived),
        ("variants", spec.variants),
    ]
    if isinstance(spec.variants, tuple):
        fields += [("files", variant.files) for variant in spec.variants]
    files = [file for name, held in fields if name == "files" and isinstance(held, tuple) for file in held]
    fields += [("sources", file.sources) for file in files]
    for name, given in fields:
        if not isinstance(given, tuple):
            return f"`{name}` is {given!r:.60}: give a tuple, as in (…,)"
    features: object = spec.features
    return "" if isinstance(features, frozenset) else f"`features` is {features!r:.60}: give a frozenset"


def checked_executor(executor: Executor) -> Executor:
    """Return an executor whose schemes are valid. Raises TypeError or ValueError."""
    if isinstance(executor.schemes, str) or not executor.schemes:
        raise TypeError(f"schemes must be a list of names, not {executor.schemes!r}")
    for scheme in executor.schemes:
        if not SCHEME.fullmatch(scheme) or scheme in OWN_DEVICES:
            raise ValueError(f"the scheme '{scheme}' is no name in small letters, or is a device of Govor's")
    return executor


def named_commands(commands: Iterable[object]) -> dict[str, click.Command]:
    """Return a plugin's commands by name, checked. Raises TypeError or ValueError."""
    found: dict[str, click.Command] = {}
    for command in commands:
        if not isinstance(command, click.Command):
            raise TypeError(f"commands() gave {type(command).__name__} instead of click.Command")
        if not command.name or command.name in found:
            raise ValueError(f"command name '{command.name or ''}' is empty or declared twice")
        found[command.name] = command
    return found
