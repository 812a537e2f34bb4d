"""Words keep their times, merged words span theirs, and tokens never contradict the text."""

import pytest

import govor


def segment(text, **fields):
    words = tuple(
        govor.Word(word, float(number), number + 0.5, 0.9) for number, word in enumerate(text.split(" "))
    )
    return govor.Segment(text, 0.0, 9.0, words=words, **fields)


def test_a_merged_word_spans_its_words_and_has_their_mean_probability(write):
    given = segment("ей двадцать пять лет")
    words = list(given.words)
    words[1], words[2] = (
        govor.Word("двадцать", 1.0, 1.5, 0.4),
        govor.Word("пять", 2.0, 2.5, 0.9),
    )
    found = write(govor.Segment(given.text, 0.0, 9.0, words=tuple(words)), "ru")
    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("ей", 0.0, 0.5),
        ("25", 1.0, 2.5),
        ("лет", 3.0, 3.5),
    ]
    assert found.words[1].probability == pytest.approx(0.6)  # the geometric mean
    assert found.words[0].probability == 0.9


def test_an_unknown_probability_makes_that_of_the_merged_word_unknown(write):
    words = (govor.Word("двадцать", 0.0, 1.0, 0.5), govor.Word("пять", 1.0, 2.0))
    (word,) = write(govor.Segment("двадцать пять", words=words), "ru").words
    assert (word.text, word.probability) == ("25", None)


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("двести рублей пятьдесят копеек.", "ru", ["200,50", "₽."]),
        ("двадцать пятого мая", "ru", ["25", "мая"]),
        ("in nineteen eighty four.", "en", ["in", "1984."]),
        ("(twenty five percent)", "en", ["(25%)"]),
        ("five dollars and fifty cents", "en", ["$5.50"]),
    ],
)
def test_the_words_joined_are_the_text(write, text, language, words):
    found = write(segment(text), language)
    assert [word.text for word in found.words] == words
    assert found.text == " ".join(words)
    assert [word.start for word in found.words] == sorted(word.start for word in found.words)


def test_words_with_spaces_before_them_keep_these(write):
    words = (govor.Word(" twenty", 0.0, 1.0), govor.Word(" five", 1.0, 2.0), govor.Word(" men", 2.0, 3.0))
    found = write(govor.Segment("twenty five men", words=words), "en")
    assert [word.text for word in found.words] == [" 25", " men"]


def test_words_that_are_not_those_of_the_text_leave_it_alone(write):
    given = govor.Segment("twenty five", words=(govor.Word("twentyfive", 0.0, 1.0),))
    assert write(given, "en") is given


@pytest.mark.parametrize(
    ("language", "text"), [("de", "zwanzig five"), (None, "twenty five"), ("uk", "двадцять")]
)
def test_a_text_in_an_unknown_language_is_left_alone(write, language, text):
    given = segment(text)
    assert write(given, language) is given


def test_nothing_is_done_unless_it_is_asked_for(normaliser):
    given = segment("twenty five")
    assert normaliser.process([given], govor.TextOptions("en", punctuation=True)) == [given]


@pytest.mark.parametrize("text", ["", " ", "...", "— ,", "привет"])
def test_a_text_without_numbers_is_left_alone(write, text):
    given = govor.Segment(text)
    assert write(given, "ru") is given
