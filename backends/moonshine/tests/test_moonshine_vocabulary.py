"""The file of tokens."""

from govor_moonshine.vocabulary import Vocabulary, read_vocabulary


def test_bytes_of_one_letter_are_put_together_and_marks_are_no_text():
    vocabulary = Vocabulary(
        [b"<unk>", b"<s>", b"</s>", "▁g".encode(), b"\xc3", b"\xa9", "▁▁".encode(), b"<<ST_7>>"]
    )
    assert b"".join(vocabulary.data([7, 3, 4, 5, 6, 2])).decode() == "gé  "


def test_spaces_before_the_text_are_left_out():
    vocabulary = Vocabulary(["▁".encode(), "▁a".encode()])
    assert vocabulary.data([0, 1, 1]) == [b"", b"a", b" a"]
    assert vocabulary.data([]) == []


def test_long_tokens_have_a_length_of_two_bytes(tmp_path):
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(b"\x01a" + b"\xac\x02" + b"b" * 300 + b"\x00" + b"\x01c")
    vocabulary = read_vocabulary(path)
    assert vocabulary.data([0, 1, 2, 3]) == [b"a", b"b" * 300, b"", b"c"]
