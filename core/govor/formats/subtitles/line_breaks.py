"""Find the places where a text may be broken, in every script, and rate them.

Breaks are possible after spaces, and between letters of scripts without spaces, except before or after marks
that must not begin or end a line (https://www.unicode.org/reports/tr14/, classes CL, EX, NS and OP).
"""

from __future__ import annotations

import re
import unicodedata

SENTENCE_ENDS = tuple(".!?…。！？؟۔।")
CLAUSE_ENDS = tuple(",;:—–，、；：،؛")
CLOSING = "\"'”’»)]」』）〉》】 "

_IDEOGRAPHS = "\u2e80-\u303f\u3041-\u30ff\u3105-\u31bf\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
_CLUSTERED = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
_UNSPACED = re.compile(f"[{_IDEOGRAPHS}{_CLUSTERED}\U00020000-\U0003ffff]")
_BEGINS_NO_LINE = frozenset(
    "!%),.:;?]}…—’”»°、。〉》」』】〕〗〞！％），．：；？］｝～・ー々〻"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ\u0e2f\u0e46\u0eaf\u0ec6\u104a\u104b\u17d4\u17d5\u17d6\u17d7"
)
_ENDS_NO_LINE = frozenset("$([{‘“«〈《「『【〔〖〝（［｛￥＄")
_LEADS = frozenset(
    "เแโใไເແໂໃໄ\u1039\u17d2"
)  # vowels before their consonant, and signs that join the next one


def break_places(text: str) -> list[int]:
    """Return the indices of the letters that may begin a line, except the first, in order."""
    return [at for at in range(1, len(text)) if _may_break(text, at)]


def clusters(text: str) -> list[int]:
    """Return the indices where a text without any good place may be cut: not before a combining mark."""
    return [at for at in range(1, len(text)) if not _is_mark(text[at]) and text[at - 1] not in _LEADS]


def ends_sentence(text: str) -> bool:
    """Tell whether the text ends with a full stop, or its equivalent in another script."""
    return text.rstrip(CLOSING).endswith(SENTENCE_ENDS)


def ends_clause(text: str) -> bool:
    """Tell whether the text ends with a comma, or its equivalent in another script."""
    return text.rstrip(CLOSING).endswith(CLAUSE_ENDS)


def columns(text: str) -> int:
    """Return the width on screen: a Chinese character takes two columns."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _may_break(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after == " ":
        return False
    if before == " ":
        return True
    if not (_UNSPACED.match(before) or _UNSPACED.match(after)):
        return False
    if before in _ENDS_NO_LINE or before in _LEADS:
        return False
    return after not in _BEGINS_NO_LINE and not _is_mark(after) and not _is_vowel(after)


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Mc", "Me") or letter == "\u200d"


def _is_vowel(letter: str) -> bool:
    """Tell whether this is a Thai or Lao vowel that follows its consonant and is a letter, not a mark."""
    return letter in "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u0ebd"
