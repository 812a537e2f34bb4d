"""Every spelling of a form's fields, brought to one shape and kept within bounds."""

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
    **dict.fromkeys(("max_speaker_count", "max_speaker_labels", "max_speakers_expected"), "max_speakers"),
}
"""What faster-whisper's servers and public services call the same; where both are sent, ours counts."""

UNSET = frozenset({"None", "null", "undefined"})
"""What programs write into a form for a value that they do not have."""
WORDS = frozenset({"channel_names", "keywords", "known_speaker_names", "known_speaker_references"})
"""Fields in which these may be meant."""

ORDINARY = 8_000
"""Letters of one field: a long address fits, and nothing of that length keeps the event loop."""
LONG = {"prompt": 100_000, "initial_prompt": 100_000, "keywords": 100_000}
SOUND = frozenset({"known_speaker_references"})
"""Fields that were measured when they came."""

ITEMS = 100
"""Of a list: Whisper knows a hundred languages."""
MANY_ITEMS = {"keywords": 1000}


def gather(form: MultiDict[str, str], known: Container[str]) -> dict[str, Any]:
    """Bring `name`, `name[]`, repeated keys, comma lists, `name[key]` and JSON strings to one shape.

    An empty value is an absent one, and so is None, null or undefined: browsers and SDKs send them for what
    was not chosen. How long a field may be is checked of those that are `known`. Raises InvalidParam.
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
    """Return the known fields that say something, each once. Raises InvalidParam."""
    values = {name: text for name, text in form.items() if name in known and _says(name, text)}
    for name, text in values.items():
        _check_length(name, [text])
    return values


def _says(name: str, text: str) -> bool:
    """Tell whether a value is one."""
    text = text.strip()
    return bool(text) and (name in WORDS or text not in UNSET)


def _check_length(name: str, texts: Iterable[str]) -> None:
    """Refuse a field that nobody would write so long."""
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
            pass  # it is a keyword that begins with a bracket, or a list as a language prints it
    if name not in COMMA_LISTS:
        return [text]
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        return [piece.strip(" \t'\"") for piece in bare[1:-1].split(",")]
    return [piece.strip() for piece in text.split(",")]
