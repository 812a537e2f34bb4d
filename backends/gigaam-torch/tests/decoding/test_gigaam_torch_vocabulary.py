import hashlib
import io
import random
import re

import pytest

import govor

vocabulary = pytest.importorskip(
    "govor_gigaam_torch.decoding.vocabulary", reason="govor-gigaam-torch is not installed"
)


def published_file(letters):
    """The vocab.txt that goes with the public ONNX exports: `token id` per line, the blank last."""
    tokens = (*letters.replace(" ", "▁"), "<blk>")
    return "".join(f"{token} {index}\n" for index, token in enumerate(tokens)).encode()


@pytest.mark.parametrize(
    ("letters", "sha256"),
    [
        (vocabulary.RUSSIAN, "a9143c30844d3c0bee3e9e927e4084774eb1b9eeaafc473b2c4521e4911a7c07"),
        (vocabulary.MULTILINGUAL, "4d130287892e1099fedfb3f93c4b4cf8a263151158801680b28977d1be4133f4"),
    ],
    ids=["v3_vocab.txt", "multilingual_vocab.txt"],
)
def test_the_characters_are_those_of_the_published_vocabularies(letters, sha256):
    assert hashlib.sha256(published_file(letters)).hexdigest() == sha256


def test_characters_decode_one_by_one():
    russian = vocabulary.characters(vocabulary.RUSSIAN)
    assert len(russian) == 33
    assert russian.segment([4, 1, 0, 33 - 1]).text == "га я"
    assert russian.spaces_separate


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "byte fallback"])
def model(request, tmp_path_factory):
    """A SentencePiece model and its file."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="e2e models need sentencepiece")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["Мама мыла раму, а папа читал газету. Как дела?", "Привет, мир!"] * 30),
        model_writer=written,
        vocab_size=300,
        hard_vocab_limit=False,
        byte_fallback=request.param,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.model"
    path.write_bytes(written.getvalue())
    return sentencepiece.SentencePieceProcessor(model_file=str(path)), path


def letters(text):
    """The text with stray bytes as one sign: SentencePiece writes one per byte, Python one per run."""
    return re.sub("\ufffd+", "\ufffd", text)


def written(pieces, ids):
    """The text of tokens, with the spaces around it."""
    return b"".join(pieces.tokens[token] for token in ids).decode(errors="replace")


def test_pieces_decode_as_sentencepiece_does(model):
    processor, path = model
    pieces = vocabulary.sentencepiece(path)
    draw = random.Random(0)
    texts = [processor.encode(text) for text in ("Привет, мама!", "а Ж ☃ папа", "Как\u2581дела")]
    for ids in (*texts, *([draw.randrange(3, len(pieces)) for _ in range(20)] for _ in range(50))):
        assert letters(written(pieces, ids).removeprefix(" ")) == letters(processor.decode(ids))
    assert len(pieces) == len(processor)


def test_a_piece_that_begins_with_a_space_begins_a_word_and_belongs_to_it(model):
    processor, path = model
    pieces = vocabulary.sentencepiece(path)
    space = processor.piece_to_id("▁")
    first, second = (processor.piece_to_id(piece) for piece in ("а", "м"))
    found = pieces.segment([first, space, second], frames=[0, 1, 5], frame_seconds=1)
    assert [(word.text, word.start) for word in found.words] == [("а", 0), ("м", 1)]
    found = vocabulary.characters(" ам").segment([1, 0, 2], frames=[0, 1, 5], frame_seconds=1)
    assert [(word.text, word.start) for word in found.words] == [("а", 0), ("м", 5)]


@pytest.mark.parametrize("content", [b"", b"no such model" * 50])
def test_a_file_that_is_no_sentencepiece_model_is_named(tmp_path, content):
    pytest.importorskip("sentencepiece", reason="e2e models need sentencepiece")
    path = tmp_path / "v3_e2e_ctc_tokenizer.model"
    path.write_bytes(content)
    with pytest.raises(govor.LoadFailed, match=r"v3_e2e_ctc_tokenizer\.model"):
        vocabulary.sentencepiece(path)
