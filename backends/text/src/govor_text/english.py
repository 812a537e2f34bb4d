"""Numbers in English texts: ordinals, years, times, money and decimals."""

from __future__ import annotations

from collections.abc import Iterator

from govor_text.numbers import FIRST_IN_DIGITS, Rules
from govor_text.phrase import Edit, Phrase

MONTHS = frozenset(
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
BEFORE_YEARS = frozenset({"in", "since", "until", "before", "after", *MONTHS})
CURRENCIES = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}  # pounds may be a weight
CENTS = frozenset({"cent", "cents"})
HALVES = frozenset({"am", "pm", "a.m", "p.m"})
DECADES = {
    "twenties": "20s",
    "thirties": "30s",
    "forties": "40s",
    "fifties": "50s",
    "sixties": "60s",
    "seventies": "70s",
    "eighties": "80s",
    "nineties": "90s",
    "hundreds": "00s",
}
GROUPS = 4


class English(Rules):
    """See `Rules`."""

    percents = frozenset({"percent", "per cent"})
    denials = frozenset({"no", "not"})
    separator = ","
    points = frozenset({"point"})

    def decimal(self, phrase: Phrase, begin: int, end: int) -> tuple[str, int] | None:
        whole = self.speller.read(phrase.parts(begin, end))
        last, digits = end + 1, ""
        while (digit := self._digit(phrase.next(last))) is not None:
            last, digits = last + 1, digits + str(digit)
        rest = phrase.next(last)
        goes_on = self.speller.is_number_word(rest) or rest in self.points  # two point zero point one
        if whole is None or whole.ordinal or not digits or goes_on:
            return None
        return f"{self.digits(whole.value)}.{digits}", last

    def _digit(self, word: str) -> int | None:
        if word in self.speller.zeros:
            return 0
        number = self.speller.read((word,)) if word else None
        return number.value if number and not number.ordinal and number.value < 10 else None

    def several(self, phrase: Phrase, begin: int, end: int) -> Iterator[Edit]:
        if "and" in phrase.cores[begin:end]:
            yield from self._apart(phrase, begin, end)
            return
        groups = self.speller.split(phrase.parts(begin, end))
        if not groups or any(number.ordinal for number, _ in groups):
            return
        values = [number.value for number, _ in groups]
        if text := self._year_or_time(phrase, begin, end, values):
            yield Edit(begin, end, text)
        elif len(values) >= GROUPS and max(values) < 10 and len(values) == end - begin:
            yield from self.one_by_one(begin, groups)

    def _apart(self, phrase: Phrase, begin: int, end: int) -> Iterator[Edit]:
        """Yield the edits of numbers with "and" between them, if all are certain and large enough."""
        cuts = [position for position in range(begin, end) if phrase.cores[position] == "and"]
        edges = list(zip([begin, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True))
        numbers = [self.speller.read(phrase.parts(first, last)) for first, last in edges]
        values = [number.value for number in numbers if number and not number.ordinal]
        if len(values) == len(edges) and min(values) >= FIRST_IN_DIGITS:
            texts = map(self.digits, values)
            yield from (Edit(first, last, text) for (first, last), text in zip(edges, texts, strict=True))

    def _year_or_time(self, phrase: Phrase, begin: int, end: int, values: list[int]) -> str:
        before, ends = phrase.last(begin), phrase.ends(end)
        match values:
            case [hour, minute] if 0 < hour <= 12 and 10 <= minute < 60:
                if phrase.next(end) in HALVES or (before == "at" and ends):
                    return f"{hour}:{minute}"
            case [hour, 0, minute] if 0 < hour <= 12 and 0 < minute < 10:
                if phrase.next(end) in HALVES or (before == "at" and ends):
                    return f"{hour}:0{minute}"
            case [century, 0, year] if 13 <= century <= 20 and 0 < year < 10:
                if before == "year" or (before in BEFORE_YEARS and ends):
                    return f"{century}0{year}"
            case [century, year] if 13 <= century <= 20 and 10 <= year < 100:
                if before == "year" or (before in BEFORE_YEARS and ends):
                    return f"{century}{year}"
        return ""

    def ordinal(self, phrase: Phrase, begin: int, end: int, value: int) -> str:
        fraction = phrase.last(begin) in ("a", "an") and phrase.next(end) == "of"  # a tenth of the price
        if value < FIRST_IN_DIGITS or fraction:
            return ""
        unsure = phrase.parts(end - 1, end)[-1] == "second" and phrase.next(end) != "of"
        return "" if unsure else f"{self.digits(value)}{_ending(value)}"  # a twenty second delay

    def measure(self, phrase: Phrase, begin: int, end: int, value: int) -> Iterator[Edit]:
        if phrase.next(end) in HALVES and 0 < value <= 12:
            yield Edit(begin, end, str(value))
            return
        if phrase.next(end) in DECADES and 13 <= value <= 20:
            yield Edit(begin, end + 1, f"{value}{DECADES[phrase.next(end)]}")
            return
        sign = CURRENCIES.get(phrase.next(end))
        if sign is None:
            return
        if value >= 10**6 and value % 10**6 == 0:
            return  # five million dollars
        if sign == "$" and (found := self._cents(phrase, end + 1)):
            cents, end = found
            yield Edit(begin, end, f"${self.digits(value)}.{cents:02}")
        else:
            yield Edit(begin, end + 1, f"{sign}{self.digits(value)}")

    def _cents(self, phrase: Phrase, begin: int) -> tuple[int, int] | None:
        """Return the cents behind "dollars", and their end; the word "cents" may be missing at the end."""
        first = begin + (phrase.next(begin) == "and")
        last = first
        while last < len(phrase) and phrase.joins(last) and phrase.cores[last] not in CENTS:
            last += 1
        named = phrase.next(last) in CENTS
        if not named and (first > begin or last - first > 2):
            return None
        number = self.speller.read(phrase.parts(first, last))
        if number is None or number.ordinal or number.value >= 100 or not (named or number.value >= 10):
            return None
        return number.value, last + named


def _ending(value: int) -> str:
    if 10 <= value % 100 < 20:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
