"""Sentences like those of public bug reports about other libraries of this kind."""

import pytest

import govor

SENTENCES = [
    # oh is a zero between numbers only
    ("en", "five four two one two nine seven zero six five", "5 4 2 1 2 9 7 0 6 5"),
    ("en", "my number is five five five oh one two three", "my number is 5 5 5 0 1 2 3"),
    ("en", "the code is four oh oh two", "the code is 4 0 0 2"),
    ("en", "four oh four not found", "four oh four not found"),
    ("en", "oh five minutes ago", "oh five minutes ago"),
    ("en", "I was twenty oh dear", "I was 20 oh dear"),
    ("en", "in nineteen oh five", "in 1905"),
    ("en", "the year twenty oh one was", "the year 2001 was"),
    ("en", "nineteen oh five people", "nineteen oh five people"),
    ("en", "at ten oh five pm", "at 10:05 pm"),
    ("en", "version two point oh", "version 2.0"),
    ("en", "version two point zero point one", "version two point zero point one"),
    # two numbers are not added up, and years need a word that says so
    ("en", "United seven eighty eight", "United seven eighty eight"),
    ("en", "twenty five twenty six", "twenty five twenty six"),
    ("en", "thirty six members", "36 members"),
    (
        "en",
        "once every one of them was ready for one battle",
        "once every one of them was ready for one battle",
    ),
    ("en", "in the nineteen eighties, the eighteen hundreds", "in the 1980s, the 1800s"),
    ("en", "a man in his twenties", "a man in his twenties"),
    ("en", "it was ten dollars fifty.", "it was $10.50."),
    ("en", "for ten dollars fifty people came", "for $10 50 people came"),
    ("en", "the ten thousandth visitor", "the 10,000th visitor"),
    # an ordinal keeps its ending
    ("ru", "тридцать третий час", "33-й час"),
    ("ru", "третий год", "третий год"),
    ("ru", "одна тысяча девятьсот восемьдесят четвёртый год", "1984 год"),
    ("ru", "десятитысячный", "десятитысячный"),
    # zeros of a telephone number are not lost
    (
        "ru",
        "восемь девятьсот двадцать шесть ноль ноль пять двадцать пять ноль семь",
        "8 926 005 25 07",
    ),
    ("ru", "код один ноль два три", "код 1 0 2 3"),
    # a bird
    ("ru", "сорока прилетела", "сорока прилетела"),
    ("ru", "белобокая сорока", "белобокая сорока"),
    ("ru", "около сорока", "около 40"),
    ("ru", "сорока процентам", "40%"),
]


@pytest.mark.parametrize(("language", "spoken", "written"), SENTENCES)
def test_a_reported_mistake_is_not_made(write, language, spoken, written):
    assert write(govor.Segment(spoken), language).text.replace("\u00a0", " ") == written
