"""Make text from outside safe for log lines, terminals and subtitles: it can neither forge nor command.

Control characters are those of Unicode's category Cc (C0, DEL and C1, which terminals obey), with the line
and paragraph separators, lone surrogates, and the embeddings and overrides of direction, which make a line
read otherwise than it is (https://www.unicode.org/reports/tr9/).
"""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that are removed from text for people. Marks of direction stay: Arabic and Hebrew need them."""

NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ")


def escape(text: str, keep: str = "") -> str:
    """Replace control characters as nginx does, by \\x1B or above U+00FF by \\u202E; those in `keep` stay."""
    return CONTROLS.sub(lambda match: match[0] if match[0] in keep else _shown(match[0]), text)


def escape_json(text: str) -> str:
    """Escape the characters that JSON leaves: DEL, C1, separators and directions. The JSON means the same."""
    return CONTROLS.sub(lambda match: match[0] if match[0] in "\n\t\r" else f"\\u{ord(match[0]):04x}", text)


def without_controls(text: str) -> str:
    """Remove control characters except tabs and line ends."""
    return UNSHOWN.sub("", text)


def with_whole_letters(text: str) -> str:
    """Replace lone surrogates by "?": JSON can escape them, but no encoding can write them."""
    return text.encode("utf-8", "replace").decode()


def in_words(error: BaseException) -> str:
    """Return the system's description of an error, without its number and the file's name.

    Libraries put the number into messages of their own, with no attribute for the rest.
    """
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    return NUMBER.sub("", str(error)).rstrip(".") or type(error).__name__


def has_text(text: str) -> bool:
    """Tell whether the text has anything but control characters and white space."""
    return bool(without_controls(text).strip())


def _shown(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02X}" if number < 0x100 else f"\\u{number:04X}"


def json_fault(error: ValueError | RecursionError) -> str:
    """Return why a text is not JSON that can be read, for the end of a sentence."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def is_text(media_type: str) -> bool:
    """Tell whether a body of this media type is a text that people can read."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("json", "jsonl", "xml", "yaml"))
