"""Sentences about wrong values, from the faults that pydantic reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

Item = Mapping[str, Any]
"""One of `ValidationError.errors()`: the kind of fault, where it is, and the bound that it breaks."""

OWN_WORDS = frozenset({"value_error", "assertion_error"})
"""Kinds of faults that Govor's own validators found and described."""

WORDS = {
    "bool_": "must be true or false",
    "int_": "must be a whole number",
    "float_": "must be a number",
    "decimal_": "must be a number",
    "finite_number": "must be a finite number",
    "string_too_short": "must have {min_length} letters or more",
    "string_too_long": "must have {max_length} letters or fewer",
    "string_pattern_mismatch": "must match {pattern}",
    "string_": "must be text",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "too_long": "must have {max_length} items or fewer",
    "too_short": "must have {min_length} items or more",
    "tuple_": "must be a list",
    "list_": "must be a list",
    "set_": "must be a list",
    "frozen_set_": "must be a list",
    "dict_": "must be a table",
    "model_": "must be a table",
    "dataclass_": "must be a table",
    "mapping_": "must be a table",
    "path_type": "must be a path",
    "path_not_directory": "is no folder",
    "path_not_file": "is no file",
    "json_": "is not JSON",
    "none_required": "must be absent",
    "url_": "must be an address",
}
"""Sentences by the beginning of the fault's kind; the first match counts."""

UNKNOWN = "has a value that it cannot have"


def wrong_value(item: Item) -> str:
    """Return the fault as a predicate to the value's name: "must be a whole number"."""
    kind = str(item["type"])
    if kind in OWN_WORDS:
        return str(item["msg"]).partition(", ")[2].rstrip(".") or UNKNOWN
    bounds = dict(item.get("ctx") or {})
    if kind == "string_too_short" and bounds.get("min_length") == 1:
        return "must not be empty"
    words = next((words for start, words in WORDS.items() if kind.startswith(start)), UNKNOWN)
    try:
        return words.format(**bounds)
    except KeyError:
        return UNKNOWN


def fault_of(item: Item) -> str:
    """Return the fault with the value's name before it: "'port' must be a whole number"."""
    between = ": " if item["type"] in OWN_WORDS else " "
    return f"'{place_of(item)}'{between}{wrong_value(item)}"


def place_of(item: Item) -> str:
    """Return the place of the value, as TOML writes it."""
    return ".".join(map(str, item["loc"]))


def stands_above(setting: str) -> str:
    """Return a sentence about a setting of the server that was put into a table."""
    return f"'{setting}' is a setting of the server, and stands at the top of the file, above all tables"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: "; did you mean 'beam_size'?", or ""."""
    near = get_close_matches(name, list(known), 1)
    return f"; did you mean '{near[0]}'?" if near else ""
