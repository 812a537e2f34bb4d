"""The file of tokens."""

from govor_moonshine.vocabulary import read_vocabulary


def test_tokens_are_text_with_spaces_and_marks_are_no_text(tmp_path):
    entries = [b"<unk>", b"<s>", b"</s>", "▁g".encode(), b"\xc3", b"\xa9", "▁▁".encode(), b"<<ST_7>>"]
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(b"".join(bytes([len(entry)]) + entry for entry in entries))
    vocabulary = read_vocabulary(path)
    assert vocabulary.tokens == (b"", b"", b"", b" g", b"\xc3", b"\xa9", b"  ", b"")
    segment = vocabulary.segment([7, 3, 4, 5, 6, 2], [-0.5] * 6, language="en")
    assert segment.text == "gé"
    assert b"".join(token.data for token in segment.tokens).decode() == " gé  "


def test_long_tokens_have_a_length_of_two_bytes(tmp_path):
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(b"\x01a" + b"\xac\x02" + b"b" * 300 + b"\x00" + b"\x01c")
    assert read_vocabulary(path).tokens == (b"a", b"b" * 300, b"", b"c")
