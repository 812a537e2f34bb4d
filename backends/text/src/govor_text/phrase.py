"""A text as words without the punctuation around them, and the runs of number words in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from govor_text.spelling import Speller

WORD = re.compile(r"(\W*)(.*?)(\W*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Edit:
    """Words `begin` to `end` of a text become one word, without the punctuation around it."""

    begin: int
    end: int
    text: str


class Phrase:
    """The words of a text. Positions count them; a position beyond the text has the word ""."""

    def __init__(self, words: Sequence[str]):
        split = [match.groups() for word in words if (match := WORD.fullmatch(word))]
        self.before = [before for before, _, _ in split]
        self.after = [after for _, _, after in split]
        self.cores = [core.lower() for _, core, _ in split]

    def __len__(self) -> int:
        return len(self.cores)

    def joins(self, position: int) -> bool:
        """Return whether no punctuation stands between a word and the one before it."""
        inside = 0 < position < len(self)
        return inside and not self.after[position - 1] and not self.before[position]

    def next(self, end: int) -> str:
        """Return the word at a position if no punctuation stands before it; "" otherwise."""
        return self.cores[end] if self.joins(end) else ""

    def last(self, begin: int) -> str:
        """Return the word before a position if no punctuation stands between; "" otherwise."""
        return self.cores[begin - 1] if self.joins(begin) else ""

    def parts(self, begin: int, end: int) -> tuple[str, ...]:
        """Return the words of a stretch; a hyphen divides too, as in twenty-one."""
        return tuple(part for core in self.cores[begin:end] for part in core.split("-"))

    def runs(self, speller: Speller) -> Iterator[tuple[int, int]]:
        """Yield begin and end of each longest run of number words without punctuation in between."""
        begin = 0
        while begin < len(self):
            end = begin
            while end < len(self) and (end == begin or self.joins(end)) and self._counts(end, begin, speller):
                end += 1
            if end > begin:
                yield begin, end
            begin = max(end, begin + 1)

    def _counts(self, position: int, begin: int, speller: Speller) -> bool:
        core, behind = self.cores[position], self.next(position + 1)
        if core in speller.zeros:
            return position > begin and (behind in speller.zeros or self._is_number(behind, speller))
        if core == speller.conjunction and core:
            return position > begin and bool(behind) and self._is_number(behind, speller)
        return self._is_number(core, speller)

    @staticmethod
    def _is_number(core: str, speller: Speller) -> bool:
        return bool(core) and all(speller.is_number_word(part) for part in core.split("-"))

    def touches_digits(self, begin: int, end: int) -> bool:
        """Return whether a word beside a stretch has digits: it belongs to a number that is written so."""
        beside = self.last(begin) + self.next(end)
        return any(letter.isdigit() for letter in beside)

    def ends(self, end: int) -> bool:
        """Return whether a sentence or a part of it ends before a position."""
        return not self.next(end)
