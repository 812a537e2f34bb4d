"""Numbers as words, and words as numbers, by the rules of Unicode's CLDR.

A phrase is a number only if the rules, asked to spell that number, give the phrase itself, in one case and
gender. So a phrase that is read wrongly cannot become a number: it stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from threading import Lock

from unicode_rbnf import RbnfEngine
from unicode_rbnf.engine import NoRuleForNumberError

LARGEST = 10**12
"""Numbers from here on stay words."""

ONES = (*range(21), *range(30, 100, 10))
HUNDREDS = tuple(range(100, 1000, 100))
SCALES = (1000, 10**6, 10**9)

ORDINAL_UNITS = (*ONES[1:], *HUNDREDS, 1000)
"""Numbers whose ordinals are single words, or the last words of longer ordinals."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a phrase is certain to mean."""

    value: int
    ordinal: bool = False


@dataclass(frozen=True, slots=True)
class Grammar:
    """The names of CLDR's rules of one language, and the words that speakers leave out or add."""

    language: str
    cardinals: str
    """Beginning of the names of rules for cardinals."""
    ordinals: str
    one: frozenset[str]
    """Forms of one, which speakers leave out before a thousand or a million."""
    and_: str = ""
    """The word that may stand between the parts of a number."""
    zeros: frozenset[str] = frozenset()
    """Words that mean zero between numbers, and nothing elsewhere."""


class Speller:
    """Reads the numbers of one language. Any thread may use it."""

    def __init__(self, grammar: Grammar):
        self._grammar = grammar
        self._engine = RbnfEngine.for_language(grammar.language)
        names = list(self._engine.rulesets)
        self.cardinals = [name for name in names if name.startswith(grammar.cardinals)]
        """Names of the rules for cardinals, one for each case and gender."""
        self._ordinals = [name for name in names if name.startswith(grammar.ordinals)]
        self._values: defaultdict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._lock = Lock()  # the engine caches without one
        for value in (*ONES, *HUNDREDS):
            self._learn(value, value, self.cardinals)
        for value, times in ((scale, times) for scale in SCALES for times in (1, 2, 5)):
            self._learn(value, value * times, self.cardinals)
        self._and_follows = frozenset(word for word, values in self._values.items() if max(values) >= 100)
        for value in ORDINAL_UNITS:
            self._learn(value, value, self._ordinals)
        self.read = lru_cache(4096)(self._read)
        """Return the number that words, in lower case, are certain to mean; None: they may mean none."""

    @property
    def conjunction(self) -> str:
        """The word that may stand between the parts of a number; "": there is none."""
        return self._grammar.and_

    @property
    def zeros(self) -> frozenset[str]:
        """Words that mean zero between numbers, and nothing elsewhere."""
        return self._grammar.zeros

    def is_number_word(self, word: str) -> bool:
        """Return whether a word, in lower case, can be a part of a number."""
        return plain(word) in self._values

    def split(self, words: Sequence[str]) -> list[tuple[Number, int]]:
        """Divide words into the longest numbers, from the left; return each with its count of words.

        Empty if a word is left over.
        """
        found: list[tuple[Number, int]] = []
        begin = 0
        while begin < len(words):
            if words[begin] in self.zeros:
                found.append((Number(0), 1))
                begin += 1
                continue
            ends = range(len(words), begin, -1)
            readings = ((self.read(tuple(words[begin:end])), end) for end in ends)
            number, end = next(((read, end) for read, end in readings if read is not None), (None, begin))
            if number is None:
                return []
            found.append((number, end - begin))
            begin = end
        return found

    def _learn(self, value: int, spelled: int, rules: Sequence[str]) -> None:
        """Record the last word of a number as one with that value."""
        for rule in rules:
            if words := self.spell(spelled, rule):
                said = 100 if len(words) > 1 and 100 <= value < 1000 else value  # in English: two hundred
                self._values[words[-1]][said].add(rule)

    def _read(self, words: tuple[str, ...]) -> Number | None:
        parts = self._without_and(words)
        for values in self._readings(parts):
            value = _compose(values)
            if value is None or not 0 <= value < LARGEST:
                continue
            rules = self._values[parts[-1]][values[-1]]
            for rule in sorted(rules, key=lambda rule: rule in self._ordinals):
                spelled = self.spell(value, rule)
                if parts in (spelled, self._without_one(spelled)):
                    return Number(value, rule in self._ordinals)
        return None

    def _without_and(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the plain words without "and", which may stand after a hundred, a thousand, a million."""
        return tuple(
            plain(word)
            for place, (last, word) in enumerate(pairwise(("", *words)), 1)
            if word != self._grammar.and_ or last not in self._and_follows or place == len(words)
        )

    def _readings(self, parts: Sequence[str]) -> Iterator[list[int]]:
        """Yield the values that the words may have: few words have several."""
        choices = [list(self._values.get(part, ())) for part in parts]
        if choices and all(choices) and all(len(choice) == 1 for choice in choices[:-1]):
            head = [choice[0] for choice in choices[:-1]]
            yield from ([*head, last] for last in choices[-1])

    def _without_one(self, spelled: tuple[str, ...]) -> tuple[str, ...]:
        """Return a number without the one that it begins with, if a thousand or more follows."""
        long = len(spelled) > 2 and spelled[0] in self._grammar.one
        return spelled[1:] if long and max(self._values.get(spelled[1], (0,))) >= 1000 else spelled

    def spell(self, value: int, rule: str) -> tuple[str, ...]:
        """Return the words of a number, in lower case and without hyphens; empty if the rule has none."""
        with self._lock:
            try:
                text = self._engine.format_number(value, ruleset_names=[rule]).text
            except NoRuleForNumberError:
                return ()
        return tuple(chain.from_iterable(word.split("-") for word in plain(text).replace(",", "").split()))


def plain(word: str) -> str:
    """Return a word in lower case and with the letters of CLDR's rules, which write no ё."""
    return word.lower().replace("ё", "е").replace("\u00ad", "")


def _compose(values: Sequence[int]) -> int | None:
    """Return the sum of a number's parts, each group times its thousand or million; None: there is none."""
    total = group = 0
    for value in values:
        if value >= 1000:
            total += (group or 1) * value
            group = 0
        elif value == 100 and 0 < group < 10:  # in English: two hundred
            group *= 100
        else:
            group += value
    return total + group


RUSSIAN = Grammar(
    "ru",
    "spellout-cardinal",
    "spellout-ordinal",
    frozenset("один одна одно одни одного одной одних одному одним одну одною одними одном".split()),  # noqa: SIM905
)
ENGLISH = Grammar("en", "spellout-cardinal", "spellout-ordinal", frozenset(), "and", frozenset({"oh", "o"}))
