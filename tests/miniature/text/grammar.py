"""Random Russian sentences from grammar.txt, with capitals and punctuation. Knows nothing of sound."""

from __future__ import annotations

import hashlib
import random
import re
from pathlib import Path

GRAMMAR = Path(__file__).with_name("grammar.txt")
HELD_OUT_SHARE = 20
"""One sentence in so many, chosen by its hash, is never trained on."""
LONGEST_WORDS = 9


class Grammar:
    def __init__(self, path: Path = GRAMMAR) -> None:
        self.rules: dict[str, list[list[str]]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                name, choices = line.split(" = ", 1)
                self.rules.setdefault(name, []).append(choices.split(" | "))

    def words(self) -> list[str]:
        """Return every word form of the grammar, lower case, sorted."""
        texts = " ".join(text for lines in self.rules.values() for line in lines for text in line)
        return sorted(set(re.findall(r"[а-яё]+", re.sub(r"<\w+>", " ", texts).lower())))

    def sentence(self, rng: random.Random) -> str:
        """Return a sentence of at most LONGEST_WORDS words, held out or not."""
        while True:
            text = self._expand("sentence", rng)
            if len(text.split()) <= LONGEST_WORDS:
                return text

    def training_sentence(self, rng: random.Random) -> str:
        while True:
            text = self.sentence(rng)
            if not held_out(text):
                return text

    def held_out_sentence(self, rng: random.Random) -> str:
        while True:
            text = self.sentence(rng)
            if held_out(text):
                return text

    def word_salad(self, rng: random.Random) -> str:
        """Return words without grammar, so that letters are learnt and not only sentences."""
        words = rng.choices(self.words(), k=rng.randint(1, 6))
        marked = [word + ("," if rng.random() < 0.2 else "") for word in words[:-1]]
        return " ".join([*marked, words[-1]]).capitalize() + rng.choice(".....?")

    def _expand(self, name: str, rng: random.Random) -> str:
        choice = rng.choice(rng.choice(self.rules[name]))
        return re.sub(r"<(\w+)>", lambda match: self._expand(match[1], rng), choice)


def held_out(sentence: str) -> bool:
    digest = hashlib.sha256(plain(sentence).encode()).digest()
    return int.from_bytes(digest[:4]) % HELD_OUT_SHARE == 0


def plain(sentence: str) -> str:
    """Return the sentence in the charset of the plain heads: а-я without ё, and spaces."""
    letters = re.sub(r"[^а-я ]+", " ", sentence.lower().replace("ё", "е"))
    return " ".join(letters.split())
