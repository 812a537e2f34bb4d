"""Turn a decoder's tokens into text, words with times, and tokens with log-probabilities.

Backends whose models emit tokens import this from `govor`, so that all of them join tokens by the same rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from govor.contract.recognition import Options, Segment, Token, Word

SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})
"""ISO 639-1 codes of languages that write no space between words: each character counts as a word."""


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """One token that a decoder emitted. None means: this model cannot say."""

    id: int
    data: bytes
    """UTF-8, with the space before a word. A token may hold a part of a character."""
    logprob: float | None = None
    """Natural logarithm of its probability."""
    start: float | None = None
    """Seconds from the start of the array, as is `end`."""
    end: float | None = None


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The tokens of one utterance, in order."""

    tokens: Sequence[DecodedToken]
    spaces_separate: bool = False
    """Whether a token of one space stands between two words and belongs to neither. If not, it begins a word,
    and its time counts.
    """

    @property
    def text(self) -> str:
        """The joined tokens, without surrounding spaces."""
        return _join(self.tokens)

    @property
    def avg_logprob(self) -> float | None:
        """The mean over the tokens whose log-probability is known; None if there are none."""
        return _mean_logprob(self.tokens)

    def words(self, language: str | None = None) -> tuple[Word, ...]:
        """Return the words with known start and end.

        A word lasts from the start of its first token to the end of its last. Its probability is the
        geometric mean of its tokens' probabilities, so that long words are not less probable.
        """
        return tuple(self._words(language))

    def reported_tokens(self) -> tuple[Token, ...]:
        """Return the tokens with known log-probability, as they stand in the text.

        Spaces before the text are removed; a token of one such space becomes empty.
        """
        found: list[Token] = []
        begun = False
        for token in self.tokens:
            data = token.data if begun else token.data.lstrip()
            begun = begun or bool(data)
            if token.logprob is not None:
                found.append(Token(data.decode(errors="replace"), token.logprob, data))
        return tuple(found)

    def segment(self, options: Options, language: str | None = None) -> Segment:
        """Return the utterance as a Segment; without text it is a Segment of silence.

        `language` is the spoken language, an ISO 639-1 code. The Segment contains words if `options` ask for
        them and their times are known, and tokens if `options` ask for them and log-probabilities are known.
        """
        words = self.words(language)
        has_times = not self.tokens or any(token.start is not None for token in self.tokens)
        text = self.text
        return Segment(
            text=text,
            start=words[0].start if words else None,
            end=words[-1].end if words else None,
            words=words if options.words and has_times else None,
            tokens=self.reported_tokens() if options.logprobs else None,
            token_ids=tuple(token.id for token in self.tokens),
            language=language if text else None,
            avg_logprob=self.avg_logprob,
        )

    def _words(self, language: str | None) -> Iterator[Word]:
        for group in self._groups(language):
            text, start, end = _join(group), group[0].start, group[-1].end
            if text and start is not None and end is not None:
                logprob = _mean_logprob(group)
                chance = None if logprob is None else math.exp(logprob)
                yield Word(text, round(start, 3), round(end, 3), chance)

    def _groups(self, language: str | None) -> list[list[DecodedToken]]:
        """Return the tokens of each word."""
        groups: list[list[DecodedToken]] = []
        begins = True
        for token in self.tokens:
            if self.spaces_separate and token.data == b" ":
                begins = True
                continue
            begins = begins or token.data.startswith(b" ")
            if begins or (language in SPACELESS and _is_character(groups[-1])):
                groups.append([])
            groups[-1].append(token)
            begins = False
        return groups


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens of a model by id. A blank is not among them: its id is `len(vocabulary)`."""

    tokens: tuple[bytes, ...]
    """UTF-8, as `DecodedToken.data`; empty for tokens that are no text."""
    spaces_separate: bool = False
    """As in `DecodedText`: true for vocabularies of single characters."""

    def __len__(self) -> int:
        return len(self.tokens)

    def decode(
        self,
        ids: Sequence[int],
        logprobs: Sequence[float | None] = (),
        *,
        frames: Sequence[int] = (),
        frame_seconds: float = 0.0,
    ) -> DecodedText:
        """Return the tokens of one utterance.

        `logprobs` are natural log-probabilities, one per id; `frames` the indices of the frames at which the
        tokens were emitted, `frame_seconds` apart: a token lasts for its frame. If either is missing, it
        stays unknown.
        """
        unknown = [None] * len(ids)
        every = zip(ids, logprobs or unknown, frames or unknown, strict=True)
        tokens = [
            DecodedToken(token, self.tokens[token], logprob)
            if frame is None
            else DecodedToken(
                token, self.tokens[token], logprob, frame * frame_seconds, (frame + 1) * frame_seconds
            )
            for token, logprob, frame in every
        ]
        return DecodedText(tokens, self.spaces_separate)


def _join(tokens: Iterable[DecodedToken]) -> str:
    return b"".join(token.data for token in tokens).decode(errors="replace").strip()


def _mean_logprob(tokens: Iterable[DecodedToken]) -> float | None:
    known = [token.logprob for token in tokens if token.logprob is not None]
    return math.fsum(known) / len(known) if known else None


def _is_character(tokens: Iterable[DecodedToken]) -> bool:
    """Tell whether the bytes of tokens are whole characters, one of them no space."""
    try:
        return bool(b"".join(token.data for token in tokens).decode().strip())
    except UnicodeDecodeError:
        return False
