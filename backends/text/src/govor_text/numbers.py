"""Rules for numbers that all languages share: when a number is written in digits, and its edits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from govor_text.phrase import Edit, Phrase
from govor_text.spelling import Number, Speller

FIRST_IN_DIGITS = 10
"""Smaller numbers stay words, unless a unit follows: one is often no number, and styles write them out."""

MILLION = 10**6


class Rules(ABC):
    """Writes the numbers of one language in digits, if they are certain."""

    percents: frozenset[str]
    """Words for the sign %."""
    points: frozenset[str]
    """Words between the whole part of a decimal and its fraction."""
    denials: frozenset[str]
    """Words before a number that make it none: "not one"."""
    separator: str
    """Stands between the thousands of numbers with five digits or more."""

    def __init__(self, speller: Speller):
        self.speller = speller

    def edits(self, phrase: Phrase) -> Iterator[Edit]:
        """Yield the edits of a phrase, in order, without overlaps."""
        done = 0
        for begin, end in phrase.runs(self.speller):
            if begin < done or phrase.touches_digits(begin, end):
                continue
            for edit in self._run(phrase, begin, end):
                yield edit
                done = max(done, edit.end)

    def _run(self, phrase: Phrase, begin: int, end: int) -> Iterator[Edit]:
        if phrase.last(begin) in self.points or self.is_other_word(phrase, begin, end):
            return  # a fraction whose whole number was not certain, or no number at all
        if phrase.next(end) in self.points:
            if found := self.decimal(phrase, begin, end):
                text, end = found
                yield from self._with_percent(phrase, begin, end, text) or [Edit(begin, end, text)]
            return
        number = self.speller.read(phrase.parts(begin, end))
        two = phrase.last(begin) == "between" and "and" in phrase.cores[begin:end]
        if number is None or two:
            yield from self.several(phrase, begin, end)
        elif number.ordinal:
            if text := self.ordinal(phrase, begin, end, number.value):
                yield Edit(begin, end, text)
        else:
            yield from self._cardinal(phrase, begin, end, number)

    def _cardinal(self, phrase: Phrase, begin: int, end: int, number: Number) -> Iterator[Edit]:
        value = number.value
        if value < FIRST_IN_DIGITS and phrase.last(begin) in self.denials:
            return
        found = list(self.measure(phrase, begin, end, value))
        if found := found or self._with_percent(phrase, begin, end, self.digits(value)):
            yield from found
        elif value >= MILLION and value % MILLION == 0:
            times = self.speller.read(phrase.parts(begin, end - 1))
            if times is not None and times.value >= FIRST_IN_DIGITS:
                yield Edit(begin, end - 1, str(times.value))  # 25 million
        elif value >= FIRST_IN_DIGITS:
            yield Edit(begin, end, self.digits(value))

    def digits(self, value: int) -> str:
        """Return a number in digits."""
        return str(value) if value < 10_000 else f"{value:,}".replace(",", self.separator)

    def _with_percent(self, phrase: Phrase, begin: int, end: int, text: str) -> list[Edit]:
        if phrase.next(end) in self.percents:
            return [Edit(begin, end + 1, f"{text}%")]
        if f"{phrase.next(end)} {phrase.next(end + 1)}" in self.percents:
            return [Edit(begin, end + 2, f"{text}%")]
        return []

    def one_by_one(self, begin: int, groups: list[tuple[Number, int]]) -> Iterator[Edit]:
        """Yield an edit for each group of a run, as in a telephone number.

        If some groups have several digits, a zero belongs to the group behind it: 916 005 07.
        """
        grouped = any(number.value >= 10 for number, _ in groups)
        text, end = "", begin
        for place, (number, count) in enumerate(groups, 1):
            text, end = text + str(number.value), end + count
            if grouped and number.value == 0 and place < len(groups) and groups[place][0].value < 100:
                continue
            yield Edit(begin, end, text)
            text, begin = "", end

    def is_other_word(self, phrase: Phrase, begin: int, end: int) -> bool:
        """Return whether a run is a word that only looks like a number."""
        return False

    @abstractmethod
    def decimal(self, phrase: Phrase, begin: int, end: int) -> tuple[str, int] | None:
        """Return the decimal whose whole part is the run, and its end; None: it is not certain."""

    @abstractmethod
    def several(self, phrase: Phrase, begin: int, end: int) -> Iterator[Edit]:
        """Yield the edits of a run that is no single number."""

    @abstractmethod
    def ordinal(self, phrase: Phrase, begin: int, end: int, value: int) -> str:
        """Return an ordinal in digits; "": it stays a word."""

    @abstractmethod
    def measure(self, phrase: Phrase, begin: int, end: int, value: int) -> Iterator[Edit]:
        """Yield the edits of an amount of money or a time that begins with a number; none: it is neither."""
