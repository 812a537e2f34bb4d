"""Every number that is spelled is read as itself, in every case; nothing else is read as a number."""

import random

import pytest

from govor_text.spelling import ENGLISH, RUSSIAN, Number, Speller


@pytest.fixture(scope="module", params=[RUSSIAN, ENGLISH], ids=["ru", "en"])
def speller(request):
    return Speller(request.param)


def spellings(speller, value):
    """Every way in which the rules spell a cardinal."""
    return {spelled for rule in speller.cardinals if (spelled := speller.spell(value, rule))}


NUMBERS = [*range(130), 200, 999, 1000, 1001, 1100, 1999, 2000, 2024, 11_000, 21_001, 100_000, 999_999]


@pytest.mark.parametrize("value", [*NUMBERS, 10**6, 10**6 + 1, 2_345_678, 10**9, 999_999_999_999])
def test_a_number_is_read_as_itself_in_every_case(speller, value):
    found = spellings(speller, value)
    assert found
    assert {speller.read(words) for words in found} == {Number(value)}


def test_words_in_any_order_are_what_they_spell_or_nothing(speller):
    chance = random.Random(0)
    words = sorted({word for value in NUMBERS for spelled in spellings(speller, value) for word in spelled})
    read = 0
    for _ in range(5000):
        phrase = tuple(chance.choices(words, k=chance.randint(1, 4)))
        number = speller.read(phrase)
        if number is None or number.ordinal:
            continue
        read += 1
        spelled = spellings(speller, number.value)
        assert phrase in spelled | {each[1:] for each in spelled if number.value >= 1000}
    assert read > 100
