"""Reduces the options of a request to those that a model can honour. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.errors import ConfigurationError, UnsupportedOperation
from govor.formats.languages import parse_language

NEEDED = {
    "prompt": Feature.PROMPT,
    "keywords": Feature.KEYWORDS,
    "temperature": Feature.TEMPERATURE,
    "words": Feature.WORDS,
    "logprobs": Feature.LOGPROBS,
}
"""Fields of Options that only models with that feature get."""

DEFAULTS = {field.name: field.default for field in fields(Options)}


def likely_languages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the codes of the languages that an operator expects. Raises ConfigurationError."""
    try:
        return tuple(dict.fromkeys(parse_language(name) for name in names))
    except ValueError as error:
        raise ConfigurationError(f"languages: {error}") from error


def expect(options: Options, spec: ModelSpec, likely: Sequence[str]) -> Options:
    """Return the options with the languages that the operator expects, if the client names none."""
    if options.language or options.languages or Feature.DETECT not in spec.features:
        return options
    known = tuple(code for code in likely if not spec.languages or code in spec.languages)
    return replace(options, languages=known)


def honour(options: Options, spec: ModelSpec) -> tuple[Options, tuple[str, ...]]:
    """Return the options that the model can honour and the names of those it cannot.

    A temperature of 0 asks for nothing. Raises UnsupportedOperation for a translation, whose absence
    would give the wrong text instead of a poorer one.
    """
    if options.task == "translate" and Feature.TRANSLATE not in spec.features:
        raise UnsupportedOperation(f"The model '{spec.id}' cannot translate.", param="model")
    beyond = [name for name, feature in NEEDED.items() if feature not in spec.features]
    ignored = [name for name in beyond if getattr(options, name) not in (DEFAULTS[name], 0.0)]
    defaults: dict[str, Any] = {name: DEFAULTS[name] for name in beyond}
    kept = replace(options, **defaults)
    if spec.languages and options.language and options.language not in spec.languages:
        ignored.append("language")
        kept = replace(kept, language=None)
    candidates = tuple(code for code in options.languages if not spec.languages or code in spec.languages)
    if candidates != options.languages:
        ignored.append("languages")
        kept = replace(kept, languages=candidates)
    return kept, tuple(ignored)
