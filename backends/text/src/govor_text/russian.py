"""Numbers in Russian texts: ordinals, dates, times, money and decimals."""

from __future__ import annotations

from collections.abc import Iterator

from govor_text.numbers import FIRST_IN_DIGITS, Rules
from govor_text.phrase import Edit, Phrase
from govor_text.spelling import plain

MONTHS = frozenset(
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()  # noqa: SIM905
)
YEARS = frozenset({"год", "года", "году", "годом", "годе"})
CURRENCIES = {
    **dict.fromkeys(("рубль", "рубля", "рублю", "рублем", "рубле"), "₽"),
    **dict.fromkeys(("рубли", "рублей", "рублям", "рублями", "рублях"), "₽"),
    **dict.fromkeys(("доллар", "доллара", "доллару", "долларом", "долларе"), "$"),
    **dict.fromkeys(("доллары", "долларов", "долларам", "долларами", "долларах"), "$"),
    "евро": "€",
}
COPECKS = frozenset({"копейка", "копейки", "копеек", "копейку", "копейкой", "копейками"})
DENOMINATORS = {
    word: digits
    for digits, stem in ((1, "десят"), (2, "сот"), (3, "тысячн"))
    for word in (f"{stem}ая", f"{stem}ых", f"{stem}ой", f"{stem}ую", f"{stem}ыми", f"{stem}ым")
}
PARTS = frozenset({"часть", "части", "частью", "частей", "доля", "доли", "долю", "долей"})
"""Words after an ordinal that make it a fraction."""
TIMES_OF_DAY = frozenset({"утра", "дня", "вечера", "ночи", "по", "завтра", "сегодня", "вчера", "и", "до"})
"""Words that may follow the time on a clock; a noun would make its two numbers a guess: 20-30 times."""

BEFORE_FORTY = frozenset(
    "более больше менее меньше свыше около порядка почти примерно чем до от с из к о об на по под над при у "  # noqa: SIM905
    "для без в за после среди против этих всех тех".split()
)
"""Words before the number "сорока"; without one, it is a bird."""

VOWELS = "аеиоуыэюя"
GROUPS = 4
"""Numbers in a row that are dictated, as a telephone number; fewer are often a guess or a score."""


class Russian(Rules):
    """See `Rules`."""

    percents = frozenset(
        "процент процента проценту процентом проценте проценты процентов процентам процентами".split()  # noqa: SIM905
    )
    denials = frozenset({"ни"})
    separator = "\u00a0"
    points = frozenset({"целых", "целая", "целой", "целую", "целыми", "целым"})

    def is_other_word(self, phrase: Phrase, begin: int, end: int) -> bool:
        beside = phrase.next(end) in {*self.percents, *CURRENCIES}
        return phrase.cores[begin:end] == ["сорока"] and not beside and phrase.last(begin) not in BEFORE_FORTY

    def decimal(self, phrase: Phrase, begin: int, end: int) -> tuple[str, int] | None:
        whole = self.speller.read(phrase.parts(begin, end))
        first = end + 1 + (phrase.next(end + 1) == "и")
        last = first
        while last < len(phrase) and phrase.joins(last) and plain(phrase.cores[last]) not in DENOMINATORS:
            last += 1
        digits = DENOMINATORS.get(plain(phrase.next(last)), 0)
        fraction = self.speller.read(phrase.parts(first, last)) if digits and last > first else None
        if whole is None or fraction is None or whole.ordinal or fraction.ordinal:
            return None
        if not 0 < fraction.value < 10**digits:
            return None
        return f"{self.digits(whole.value)},{fraction.value:0{digits}}", last + 1

    def several(self, phrase: Phrase, begin: int, end: int) -> Iterator[Edit]:
        groups = self.speller.split(phrase.parts(begin, end))
        if not groups or any(number.ordinal or number.value >= 1000 for number, _ in groups):
            return
        values = [number.value for number, _ in groups]
        if time := self._clock(phrase, begin, end, values):
            yield Edit(begin, end, time)
        elif len(groups) >= GROUPS and sum(count for _, count in groups) == end - begin:
            yield from self.one_by_one(begin, groups)

    def _clock(self, phrase: Phrase, begin: int, end: int, values: list[int]) -> str:
        """Return the time on a clock that numbers after "в" mean; "": they may mean something else."""
        sure = phrase.last(begin) == "в" and (phrase.ends(end) or phrase.next(end) in TIMES_OF_DAY)
        match values:
            case [hour, minute] if sure and hour < 24 and 10 <= minute < 60:
                return f"{hour}:{minute}"
            case [hour, 0, minute] if sure and hour < 24 and minute < 10:
                return f"{hour}:0{minute}"
        return ""

    def ordinal(self, phrase: Phrase, begin: int, end: int, value: int) -> str:
        if phrase.next(end) in MONTHS and value <= 31:
            return str(value)
        part = plain(phrase.cores[end - 1]) in DENOMINATORS or phrase.next(end) in PARTS
        if value < FIRST_IN_DIGITS or part:
            return ""
        if phrase.next(end) in YEARS:
            return str(value)
        return f"{self.digits(value)}-{_ending(phrase.cores[end - 1])}"

    def measure(self, phrase: Phrase, begin: int, end: int, value: int) -> Iterator[Edit]:
        sign = CURRENCIES.get(plain(phrase.next(end)))
        if sign is None:
            return
        if value >= 10**6 and value % 10**6 == 0:
            return  # five million roubles
        text = self.digits(value)
        if sign == "₽":
            small = end + 1
            last = small
            while last < len(phrase) and phrase.joins(last) and phrase.cores[last] not in COPECKS:
                last += 1
            copecks = self.speller.read(phrase.parts(small, last)) if phrase.next(last) in COPECKS else None
            if copecks is not None and not copecks.ordinal and copecks.value < 100:
                yield Edit(begin, end, f"{text},{copecks.value:02}")
                yield Edit(end, last + 1, sign)
                return
        yield Edit(begin, end, text)
        yield Edit(end, end + 1, sign)


def _ending(word: str) -> str:
    """Return the letters of an ordinal that stand behind its digits: one after a vowel, else two."""
    return word[-1] if word[-2] in f"{VOWELS}ь" else word[-2:]
