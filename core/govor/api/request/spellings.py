"""Normalises all spellings of a form's fields, and checks their lengths."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from govor.api.request.chunking_strategy import check_strategy, read_strategy
from govor.errors import InvalidParam
from govor.plain import with_whole_letters

ARRAYS = frozenset(
    {
        "channel_names",
        "include",
        "keywords",
        "known_speaker_names",
        "known_speaker_references",
        "languages",
        "timestamp_granularities",
    }
)
COMMA_LISTS = ARRAYS - {"keywords", "known_speaker_references"}  # these may hold a comma themselves
OTHER_NAMES = {
    "hotwords": "keywords",
    **dict.fromkeys(("number_of_speakers", "speaker_count", "speakers_expected"), "num_speakers"),
    **dict.fromkeys(("min_speaker_count", "min_speakers_expected"), "min_speakers"),
    **dict.fromkeys(
        ("max_speaker_count", "max_speaker_labels", "max_speakers_expected", "diarize_max_speakers"),
        "max_speakers",
    ),
}
"""Names of the same fields in faster-whisper's servers and public services; if both are sent, ours counts."""

UNSET = frozenset({"None", "null", "undefined"})
"""Texts that programs write into a form for an unset value."""
WORDS = frozenset({"channel_names", "keywords", "known_speaker_names", "known_speaker_references"})
"""Fields in which such a text may be a real value."""

ORDINARY = 8_000
"""Most characters of a field: enough for a long URL, too few to block the event loop."""
LONG = {"prompt": 100_000, "initial_prompt": 100_000, "keywords": 100_000}
SOUND = frozenset({"known_speaker_references"})
"""Fields whose length was checked on arrival."""

ITEMS = 100
"""Most items of a list: Whisper has a hundred languages."""
MANY_ITEMS = {"keywords": 1000}


def gather(form: MultiDict[str, str], known: Container[str]) -> dict[str, Any]:
    """Return fields by name, from `name`, `name[]`, repeated keys, comma lists, `name[key]` and JSON strings.

    An empty value counts as absent, and so does None, null or undefined: browsers and SDKs send them for
    fields that were not set. The length is checked for `known` fields only. Raises InvalidParam.
    """
    values: dict[str, Any] = {}
    for key, texts in form.lists():
        spelled, bracket, inner = key.partition("[")
        name = OTHER_NAMES.get(spelled, spelled)
        given = [text for text in texts if _says(name, text)]
        if not given:
            continue
        if name in known:
            _check_length(name, given)
        if name in ARRAYS:
            pieces = [piece for text in given for piece in _elements(name, text)]
            values.setdefault(name, []).extend(pieces)
            _check_items(name, len(values[name]))
        elif name == "chunking_strategy" and bracket:
            values.setdefault(name, {})[inner.rstrip("]")] = given[-1]
            check_strategy(values[name])
        elif name == "chunking_strategy":
            values[name] = read_strategy(given[-1])
        elif name == spelled or name not in values:
            values[name] = given[-1]
    return values


def present(form: Mapping[str, str], known: Container[str]) -> dict[str, str]:
    """Return the known fields that are set, the first value of each. Raises InvalidParam."""
    values = {name: text for name, text in form.items() if name in known and _says(name, text)}
    for name, text in values.items():
        _check_length(name, [text])
    return values


def _says(name: str, text: str) -> bool:
    """Return whether a text is a value, not empty or unset."""
    text = text.strip()
    return bool(text) and (name in WORDS or text not in UNSET)


def _check_length(name: str, texts: Iterable[str]) -> None:
    """Raise InvalidParam for a field that is too long."""
    most, length = LONG.get(name, ORDINARY), max(map(len, texts))
    if length > most and name not in SOUND:
        raise InvalidParam(f"'{name}' has {length} letters; it may have {most}.", param=name)


def _check_items(name: str, count: int) -> None:
    most = MANY_ITEMS.get(name, ITEMS)
    if count > most:
        raise InvalidParam(f"'{name}' has {count} items; it may have {most}.", param=name)


def _elements(name: str, text: str) -> list[str]:
    if name in SOUND:
        _check_items(name, text.count(",") // 2)  # a data URL has one comma, a list one between two of them
    if text.lstrip().startswith("["):
        try:
            return [with_whole_letters(str(item)) for item in json.loads(text)]
        except (ValueError, RecursionError):
            pass  # a keyword that begins with a bracket, or a list in Python's spelling
    if name not in COMMA_LISTS:
        return [text]
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        return [piece.strip(" \t'\"") for piece in bare[1:-1].split(",")]
    return [piece.strip() for piece in text.split(",")]
