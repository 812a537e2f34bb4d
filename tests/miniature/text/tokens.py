"""Texts as tokens: letters for the plain heads, SentencePiece for the e2e head. Knows nothing of torch."""

from __future__ import annotations

from pathlib import Path

from miniature.text.grammar import plain

CHARSET = " абвгдежзийклмнопрстуфхцчшщъыьэюя"


class Letters:
    """The charset of v3_ctc and v3_rnnt; the blank is the last of 34 classes."""

    blank = len(CHARSET)

    def words(self, text: str) -> list[list[int]]:
        """Return each word's tokens; the space after a word belongs to it."""
        words = [[CHARSET.index(letter) for letter in plain(word)] for word in text.split()]
        return [[*word, 0] for word in words[:-1]] + words[-1:]

    def text(self, tokens: list[int]) -> str:
        return " ".join("".join(CHARSET[token] for token in tokens).split())

    def starts_word(self, tokens: list[int], index: int) -> bool:
        return tokens[index] != 0 and (index == 0 or tokens[index - 1] == 0)


class Pieces:
    """A SentencePiece vocabulary; the blank follows the last piece."""

    def __init__(self, path: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        self.model = SentencePieceProcessor(model_file=str(path))
        self.blank = self.model.get_piece_size()

    def words(self, text: str) -> list[list[int]]:
        return [self.model.encode(word) for word in text.split()]

    def text(self, tokens: list[int]) -> str:
        return self.model.decode(tokens)

    def starts_word(self, tokens: list[int], index: int) -> bool:
        return self.model.id_to_piece(tokens[index]).startswith("▁")


Tokens = Letters | Pieces


def train_pieces(texts: list[str], target: Path, size: int = 256) -> None:
    """Write `target`, a SentencePiece model that keeps capitals and punctuation."""
    from sentencepiece import SentencePieceTrainer

    SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=str(target.with_suffix("")),
        vocab_size=size,
        character_coverage=1.0,
        normalization_rule_name="identity",
        bos_id=-1,
        eos_id=-1,
        minloglevel=2,
    )
    target.with_suffix(".vocab").unlink()


def place(words: list[list[int]], times: list[tuple[float, float]]) -> list[float]:
    """Return the time of each token: a word's tokens are spread evenly from its start to its end.

    In the unit of `times`. The space after a word comes half a letter after its end.
    """
    places = []
    for tokens, (start, end) in zip(words, times, strict=True):
        said = len(tokens) - (tokens[-1] == 0 and len(tokens) > 1)
        places += [start + (index + 0.5) / said * (end - start) for index in range(len(tokens))]
    return places
