"""Where a text may be broken, in every script, and how good each place is.

After spaces; and between letters of the scripts that put none between words, but for the marks that begin no
line and end none (https://www.unicode.org/reports/tr14/, classes CL, EX, NS and OP).
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
    """Return the indices of the letters that may begin a line, but for the first, in order."""
    return [at for at in range(1, len(text)) if _may_break(text, at)]


def clusters(text: str) -> list[int]:
    """Return the indices where a text without any good place may be cut: not before a mark of a letter."""
    return [at for at in range(1, len(text)) if not _is_mark(text[at]) and text[at - 1] not in _LEADS]


def ends_sentence(text: str) -> bool:
    """Tell whether a full stop, or what is one elsewhere, ends the text."""
    return text.rstrip(CLOSING).endswith(SENTENCE_ENDS)


def ends_clause(text: str) -> bool:
    """Tell whether a comma, or what is one elsewhere, ends the text."""
    return text.rstrip(CLOSING).endswith(CLAUSE_ENDS)


def columns(text: str) -> int:
    """Width on screen: a Chinese character takes two columns."""
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
    """Thai and Lao vowels that follow their consonant and are letters, not marks."""
    return letter in "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u0ebd"
