"""Text from outside made fit for a log line, a terminal or a subtitle: it can forge and command nothing.

Control characters are those of Unicode's category Cc (C0, DEL and C1, which terminals obey), with the line
and paragraph separators, lone surrogates, and the embeddings and overrides of direction, which make a line
read otherwise than it is (https://www.unicode.org/reports/tr9/).
"""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What no text that people read has in it; directions do no harm there, and Arabic and Hebrew need them."""

NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ")


def escape(text: str, keep: str = "") -> str:
    """Show each control character as nginx does, \\x1B, or above U+00FF as \\u202E; those of `keep` stay."""
    return CONTROLS.sub(lambda match: match[0] if match[0] in keep else _shown(match[0]), text)


def escape_json(text: str) -> str:
    """Escape what JSON leaves as it is: DEL, C1, separators and directions. The JSON means the same."""
    return CONTROLS.sub(lambda match: match[0] if match[0] in "\n\t\r" else f"\\u{ord(match[0]):04x}", text)


def without_controls(text: str) -> str:
    """Leave control characters out, but for tabs and ends of lines."""
    return UNSHOWN.sub("", text)


def with_whole_letters(text: str) -> str:
    """Put "?" in place of lone surrogates: JSON can escape them, but no encoding can write them."""
    return text.encode("utf-8", "replace").decode()


def in_words(error: BaseException) -> str:
    """Return what the system says of an error, without its number and the name of the file.

    Libraries put the number into texts of their own, with no attribute for the rest.
    """
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    return NUMBER.sub("", str(error)).rstrip(".") or type(error).__name__


def has_text(text: str) -> bool:
    """Tell whether anything but controls and white space is there."""
    return bool(without_controls(text).strip())


def _shown(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02X}" if number < 0x100 else f"\\u{number:04X}"
