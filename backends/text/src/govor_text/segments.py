"""Edits of a text in a segment: its words keep their times, and merged words span theirs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import govor
from govor_text.phrase import Edit, Phrase


def edited(segment: govor.Segment, edits: Iterable[Edit], phrase: Phrase) -> govor.Segment:
    """Return a segment with edits of its text; without any, the segment itself.

    The probability of a merged word is the geometric mean of those of its parts. Tokens are dropped: they are
    those of the words as they were spoken, and would not join to the text. If the words are not those of the
    text, nothing is changed.
    """
    edits = list(edits)
    spoken = segment.text.split(" ")
    words = segment.words
    if words is not None and [word.text.strip() for word in words] != spoken:
        return segment
    if not edits:
        return segment
    texts: list[str] = []
    kept: list[govor.Word] = []
    position = 0
    for edit in [*edits, Edit(len(spoken), len(spoken), "")]:
        texts += spoken[position : edit.begin]
        kept += (words or ())[position : edit.begin]
        if edit.text:
            text = phrase.before[edit.begin] + edit.text + phrase.after[edit.end - 1]
            texts.append(text)
            if words:
                kept.append(_merged(words[edit.begin : edit.end], text))
        position = edit.end
    return replace(segment, text=" ".join(texts), words=None if words is None else tuple(kept), tokens=None)


def _merged(words: Sequence[govor.Word], text: str) -> govor.Word:
    known = [word.probability for word in words if word.probability is not None]
    whole = len(known) == len(words)
    mean = math.prod(known) ** (1 / len(known)) if whole else None
    space = " " if words[0].text.startswith(" ") else ""
    return replace(words[0], text=space + text, end=words[-1].end, probability=mean)
