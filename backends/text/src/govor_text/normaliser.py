"""The loaded model: the rules of each language, applied segment by segment."""

from __future__ import annotations

from collections.abc import Sequence

import govor
from govor_text.english import English
from govor_text.phrase import Phrase
from govor_text.russian import Russian
from govor_text.segments import edited
from govor_text.spelling import ENGLISH, RUSSIAN, Speller


class Normaliser:
    """Any thread may call `process`: what it keeps are numbers that it has read."""

    info = govor.RecognizerInfo(parallel=4, cores=0, surplus=4)  # a call takes a millisecond

    def __init__(self) -> None:
        self._rules = {"ru": Russian(Speller(RUSSIAN)), "en": English(Speller(ENGLISH))}

    def process(
        self, segments: Sequence[govor.Segment], options: govor.TextOptions
    ) -> Sequence[govor.Segment]:
        return [self._process(segment, options) for segment in segments]

    def _process(self, segment: govor.Segment, options: govor.TextOptions) -> govor.Segment:
        rules = self._rules.get(options.language or "")
        if rules is None or not options.itn:
            return segment
        phrase = Phrase(segment.text.split(" "))
        return edited(segment, rules.edits(phrase), phrase)

    def close(self) -> None:
        self._rules = {}
