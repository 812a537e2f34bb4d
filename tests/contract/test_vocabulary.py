"""The results for tokens: text, words, times, probabilities."""

import math

import pytest

from govor.contract.recognition import Options, Segment, Token, Word
from govor.contract.vocabulary import DecodedText, DecodedToken, Vocabulary

ALL = Options(words=True, logprobs=True)
LETTERS = Vocabulary(tuple(letter.encode() for letter in " абв"), spaces_separate=True)
PIECES = Vocabulary((b" ", " да".encode(), "ль".encode(), b"!", b"\xd0", b"\xb4", b""))


def decoded(vocabulary, *emissions):
    """Return the text of (token, frame, probability); a frame lasts 40 ms."""
    tokens, frames, chances = zip(*emissions, strict=True)
    logprobs = [math.log(chance) for chance in chances]
    return vocabulary.decode(tokens, logprobs, frames=frames, frame_seconds=0.04)


def spans(words):
    return [(word.text, word.start, word.end) for word in words]


def test_a_space_that_separates_belongs_to_no_word():
    text = decoded(LETTERS, (0, 0, 0.9), (1, 2, 0.5), (2, 5, 0.5), (0, 7, 0.9), (0, 8, 0.9), (3, 10, 0.8))
    assert text.text == "аб  в"
    assert text.words() == (
        Word("аб", 0.08, 0.24, pytest.approx(0.5)),
        Word("в", 0.4, 0.44, pytest.approx(0.8)),
    )


def test_a_space_that_does_not_separate_begins_a_word():
    text = decoded(PIECES, (1, 3, 0.9), (2, 4, 0.9), (3, 6, 0.9), (0, 8, 0.9), (2, 9, 0.9))
    assert spans(text.words()) == [("даль!", 0.12, 0.28), ("ль", 0.32, 0.4)]


def test_a_word_is_as_probable_as_the_geometric_mean_of_its_tokens():
    [word] = decoded(LETTERS, (1, 0, 0.9), (2, 1, 0.4)).words()
    assert word.probability == pytest.approx(0.6)


def test_words_begin_at_characters_in_languages_without_spaces():
    tokyo = "東京".encode()
    tokens = [
        DecodedToken(at, data, None, float(at), at + 1.0)
        for at, data in enumerate((tokyo[:2], tokyo[2:3], tokyo[3:]))
    ]
    assert spans(DecodedText(tokens).words("ja")) == [("東", 0, 2), ("京", 2, 3)]
    assert spans(DecodedText(tokens).words("en")) == [("東京", 0, 3)]
    assert DecodedText(tokens).words("ja")[0].probability is None


def test_reported_tokens_joined_are_the_text():
    text = decoded(PIECES, (0, 0, 0.5), (1, 0, 0.5), (1, 1, 0.25), (4, 2, 0.5), (5, 3, 0.5), (3, 4, 0.5))
    tokens = text.reported_tokens()
    assert b"".join(token.data for token in tokens).decode() == text.text == "да дад!"
    assert tokens[0].data == b""
    assert tokens[1] == Token("да", pytest.approx(math.log(0.5)), "да".encode())
    assert tokens[3].text == "\ufffd"  # half of a letter


def test_a_segment_has_what_the_options_ask_for():
    text = decoded(LETTERS, (1, 2, 0.5), (0, 3, 1.0), (2, 4, 0.25))
    full = text.segment(ALL, "ru")
    assert (full.text, full.start, full.end, full.language) == ("а б", 0.08, 0.2, "ru")
    assert full.avg_logprob == pytest.approx((math.log(0.5) + math.log(0.25)) / 3)
    assert full.token_ids == (1, 0, 2)
    assert len(full.words) == 2
    assert len(full.tokens) == 3
    plain = text.segment(Options(), "ru")
    assert (plain.words, plain.tokens, plain.start) == (None, None, 0.08)


def test_a_segment_says_nothing_that_is_not_known():
    segment = PIECES.decode([1, 2]).segment(ALL)
    assert segment == Segment("даль", tokens=(), token_ids=(1, 2))


def test_silence_has_no_language_and_no_times():
    assert LETTERS.decode([]).segment(ALL, "ru") == Segment("", words=(), tokens=(), token_ids=())
    space = decoded(LETTERS, (0, 4, 0.9)).segment(ALL, "ru")
    assert (space.text, space.words, space.start, space.language) == ("", (), None, None)


def test_as_many_log_probabilities_and_frames_are_needed_as_tokens():
    with pytest.raises(ValueError, match="zip"):
        LETTERS.decode([1, 2], [-0.5])
    with pytest.raises(ValueError, match="zip"):
        LETTERS.decode([1, 2], frames=[3], frame_seconds=1)
