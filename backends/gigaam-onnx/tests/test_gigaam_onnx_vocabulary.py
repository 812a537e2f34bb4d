"""Vocabularies, and the results for tokens: text, words, times, probabilities."""

import pytest

import govor
from govor_gigaam_onnx.decoding.vocabulary import read_vocabulary

FRAME = 0.04


@pytest.fixture
def vocabulary(tmp_path):
    def make(*tokens):
        path = tmp_path / "v3_vocab.txt"
        path.write_text(
            "".join(f"{token} {i}\n" for i, token in enumerate([*tokens, "<blk>"])), encoding="utf-8"
        )
        return read_vocabulary(path)

    return make


def segment(vocabulary, tokens, frames, logprobs=None):
    chances = logprobs or [-0.1] * len(tokens)
    return vocabulary.segment(tokens, chances, frames=frames, frame_seconds=FRAME, language="ru")


def test_words_of_characters_lie_between_spaces(vocabulary):
    letters = vocabulary("▁", "д", "а", "н", "е", "т")
    result = segment(letters, [1, 2, 0, 3, 4, 5], [2, 3, 6, 10, 12, 13])
    assert result.text == "да нет"
    assert [(word.text, word.start, word.end) for word in result.words] == [
        ("да", 0.08, 0.16),
        ("нет", 0.4, 0.56),
    ]
    assert (result.start, result.end) == (0.08, 0.56)


def test_words_of_pieces_begin_at_the_piece_with_the_mark(vocabulary):
    pieces = vocabulary("<unk>", "▁Да", ",", "▁не", "т", "▁")
    result = segment(pieces, [1, 2, 5, 3, 4], [1, 4, 6, 8, 9])
    assert result.text == "Да,  нет"
    assert [(word.text, word.start, word.end) for word in result.words] == [
        ("Да,", 0.04, 0.2),
        ("нет", 0.32, 0.4),
    ]


def test_a_mark_alone_begins_the_word_after_it(vocabulary):
    pieces = vocabulary("▁", "да", "▁нет")
    result = segment(pieces, [0, 1, 2], [3, 5, 8])
    assert [(word.text, word.start, word.end) for word in result.words] == [
        ("да", 0.12, 0.24),
        ("нет", 0.32, 0.36),
    ]


def test_a_space_alone_is_silence_too(vocabulary):
    result = segment(vocabulary("▁", "а"), [0], [4])
    assert (result.text, result.words, result.start) == ("", (), None)


def test_bytes_make_characters_together(vocabulary):
    pieces = vocabulary("▁", "<0xD0>", "<0x94>", "а")
    result = segment(pieces, [0, 1, 2, 3], [0, 1, 1, 2])
    assert result.text == "Да"
    assert [token.data for token in result.tokens] == [b" ", b"\xd0", b"\x94", "а".encode()]


def test_an_unknown_piece_is_written_as_sentencepiece_writes_it(vocabulary):
    assert segment(vocabulary("<unk>", "▁а"), [1, 0], [0, 1]).text == "а ⁇"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a b c",
        "а 1\n<blk> 2",
        "а 0\nб 1",
        "а 0\n<blk> 5",
        "а нуль\n<blk> 1",
        b"\xff\xfe 0".decode("latin-1"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_named(tmp_path, content):
    path = tmp_path / "odd_vocab.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(govor.LoadFailed, match=r"odd_vocab\.txt"):
        read_vocabulary(path)


def test_a_binary_file_is_no_vocabulary(tmp_path):
    path = tmp_path / "v3_vocab.txt"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(govor.LoadFailed, match=r"v3_vocab\.txt"):
        read_vocabulary(path)
