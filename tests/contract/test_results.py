"""Tokens become text, words, times and probabilities."""

import math

import pytest

from govor.contract.results import Segment, Token, Vocabulary, Word, segment_from_tokens

LETTERS = Vocabulary(tuple(letter.encode() for letter in " абв"), spaces_separate=True)
PIECES = Vocabulary((b" ", " да".encode(), "ль".encode(), b"!", b"\xd0", b"\xb4", b""))


def decoded(vocabulary, *emissions, language=None):
    """Return the segment of (token, frame, probability); a frame lasts 40 ms."""
    tokens, frames, chances = zip(*emissions, strict=True)
    logprobs = [math.log(chance) for chance in chances]
    return vocabulary.segment(tokens, logprobs, frames=frames, frame_seconds=0.04, language=language)


def spans(segment):
    return [(word.text, word.start, word.end) for word in segment.words]


def test_a_space_that_separates_belongs_to_no_word():
    found = decoded(LETTERS, (0, 0, 0.9), (1, 2, 0.5), (2, 5, 0.5), (0, 7, 0.9), (0, 8, 0.9), (3, 10, 0.8))
    assert found.text == "аб  в"
    assert found.words == (
        Word("аб", 0.08, 0.24, pytest.approx(0.5)),
        Word("в", 0.4, 0.44, pytest.approx(0.8)),
    )


def test_a_space_that_does_not_separate_begins_a_word():
    found = decoded(PIECES, (1, 3, 0.9), (2, 4, 0.9), (3, 6, 0.9), (0, 8, 0.9), (2, 9, 0.9))
    assert spans(found) == [("даль!", 0.12, 0.28), ("ль", 0.32, 0.4)]


def test_a_word_is_as_probable_as_the_geometric_mean_of_its_tokens():
    [word] = decoded(LETTERS, (1, 0, 0.9), (2, 1, 0.4)).words
    assert word.probability == pytest.approx(0.6)


def test_words_begin_at_characters_in_languages_without_spaces():
    tokyo = "東京".encode()
    tokens = [
        Token(at, data, None, float(at), at + 1.0)
        for at, data in enumerate((tokyo[:2], tokyo[2:3], tokyo[3:]))
    ]
    assert spans(segment_from_tokens(tokens, language="ja")) == [("東", 0, 2), ("京", 2, 3)]
    assert spans(segment_from_tokens(tokens, language="en")) == [("東京", 0, 3)]
    assert segment_from_tokens(tokens).words[0].probability is None


def test_all_tokens_are_there_and_joined_are_the_text():
    found = decoded(PIECES, (0, 0, 0.5), (1, 0, 0.5), (1, 1, 0.25), (4, 2, 0.5), (5, 3, 0.5), (3, 4, 0.5))
    assert b"".join(token.data for token in found.tokens).decode().strip() == found.text == "да дад!"
    assert [token.id for token in found.tokens] == [0, 1, 1, 4, 5, 3]
    assert found.tokens[1] == Token(1, " да".encode(), pytest.approx(math.log(0.5)), 0.0, 0.04)
    assert found.tokens[3].text == "\ufffd"  # half of a letter


def test_a_segment_lasts_from_its_first_word_to_its_last():
    found = decoded(LETTERS, (1, 2, 0.5), (0, 3, 1.0), (2, 4, 0.25), language="ru")
    assert (found.text, found.start, found.end, found.language) == ("а б", 0.08, 0.2, "ru")
    assert found.avg_logprob == pytest.approx((math.log(0.5) + math.log(0.25)) / 3)


def test_a_segment_says_nothing_that_is_not_known():
    tokens = (Token(1, " да".encode()), Token(2, "ль".encode()))
    assert PIECES.segment([1, 2]) == Segment("даль", tokens=tokens)


def test_a_word_without_a_time_among_others_is_there_without_it():
    tokens = [Token(1, b"a", None, 0.0, 0.5), Token(2, b" b")]
    assert segment_from_tokens(tokens).words == (Word("a", 0.0, 0.5), Word("b", None, None))


def test_silence_has_no_language_and_no_times():
    assert LETTERS.segment([], language="ru") == Segment("", words=(), tokens=())
    space = decoded(LETTERS, (0, 4, 0.9), language="ru")
    assert (space.text, space.words, space.start, space.language) == ("", (), None, None)


def test_as_many_log_probabilities_and_frames_are_needed_as_tokens():
    with pytest.raises(ValueError, match="zip"):
        LETTERS.segment([1, 2], [-0.5])
    with pytest.raises(ValueError, match="zip"):
        LETTERS.segment([1, 2], frames=[3], frame_seconds=1)
