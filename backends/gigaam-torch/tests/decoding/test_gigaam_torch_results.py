import math

import pytest

from govor import Options, Segment, Token, Vocabulary, Word

vocabulary = pytest.importorskip(
    "govor_gigaam_torch.decoding.vocabulary", reason="govor-gigaam-torch is not installed"
)

LETTERS = vocabulary.characters(" абвгд")
PIECES = Vocabulary((b" ", " да".encode(), "ль".encode(), b"!", b"\xd0", b"\xb4"), spaces_separate=False)
ALL = Options(words=True, logprobs=True)


def segment(letters, emissions, options=ALL, language="ru"):
    tokens, frames, chances = zip(*emissions, strict=True) if emissions else ((), (), ())
    logprobs = [math.log(chance) for chance in chances]
    return letters.decode(tokens, logprobs, frames=frames, frame_seconds=0.04).segment(options, language)


def test_words_last_from_their_first_frame_to_the_end_of_their_last():
    found = segment(LETTERS, [(1, 2, 0.5), (2, 5, 0.5), (0, 7, 0.9), (3, 10, 0.8)])
    assert found.text == "аб в"
    assert found.words == (
        Word("аб", 0.08, 0.24, pytest.approx(0.5)),
        Word("в", 0.4, 0.44, pytest.approx(0.8)),
    )
    assert (found.start, found.end) == (0.08, 0.44)


def test_a_word_is_as_probable_as_its_tokens_on_average():
    [word] = segment(LETTERS, [(1, 0, 0.9), (2, 1, 0.4)]).words
    assert word.probability == pytest.approx(0.6)


def test_spaces_at_the_ends_and_in_a_row_make_no_words():
    found = segment(LETTERS, [(0, 0, 0.9), (1, 1, 0.9), (0, 2, 0.9), (0, 3, 0.9), (2, 4, 0.9), (0, 5, 0.9)])
    assert [word.text for word in found.words] == ["а", "б"]
    assert found.text == "а  б"


def test_a_sentencepiece_space_is_the_beginning_of_its_word():
    found = segment(PIECES, [(1, 3, 0.9), (2, 4, 0.9), (3, 6, 0.9), (0, 8, 0.9), (2, 9, 0.9)])
    assert found.text == "даль! ль"
    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("даль!", 0.12, 0.28),
        ("ль", 0.32, 0.4),
    ]


def test_tokens_put_together_are_the_text():
    found = segment(PIECES, [(1, 0, 0.5), (1, 1, 0.25), (4, 2, 0.5), (5, 3, 0.5), (3, 4, 0.5)])
    assert b"".join(token.data for token in found.tokens).decode() == found.text == "да дад!"
    assert found.tokens[0] == Token("да", pytest.approx(math.log(0.5)), "да".encode())
    assert found.tokens[1].text == " да"
    assert found.tokens[2].text == "\ufffd"  # half of a letter


def test_the_average_is_over_all_tokens():
    found = segment(LETTERS, [(1, 0, 0.5), (0, 1, 1.0), (2, 2, 0.25)])
    assert found.avg_logprob == pytest.approx((math.log(0.5) + math.log(0.25)) / 3)
    assert found.token_ids == (1, 0, 2)


def test_words_and_tokens_come_only_when_asked_for():
    found = segment(LETTERS, [(1, 0, 0.5)], Options())
    assert found.words is None
    assert found.tokens is None
    assert found.language == "ru"


def test_silence_says_nothing_that_it_cannot_know():
    assert segment(LETTERS, []) == Segment("", words=(), tokens=(), token_ids=())
