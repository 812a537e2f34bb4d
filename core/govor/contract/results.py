"""The results of a model: tokens, words, segments; and the one place where tokens become text and words.

Knows nothing of files, HTTP or any model family. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from govor.contract.versions import DecodedText

Task: TypeAlias = Literal["transcribe", "translate"]

SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})
"""ISO 639-1 codes of languages that write no space between words: each character counts as a word."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token that a decoder emitted. None means: this model cannot say."""

    id: int | None
    """Its number in the model's vocabulary."""
    data: bytes
    """UTF-8, with the space before a word; empty for a token that is no text. It may hold a part of a
    character.
    """
    logprob: float | None = None
    """Natural logarithm of its probability."""
    start: float | None = None
    """Seconds from the start of the array."""
    end: float | None = None
    """Seconds from the start of the array."""

    @property
    def text(self) -> str:
        """The bytes as text; a part of a character becomes U+FFFD."""
        return self.data.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it stands in the text. None means: this model cannot say."""

    text: str
    """With the punctuation that touches it, without spaces."""
    start: float | None
    """Seconds, as those of its segment."""
    end: float | None
    """Seconds, as those of its segment."""
    probability: float | None = None
    """0..1."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of recognised speech. None means: this model cannot say.

    A recognizer counts all times in seconds from the start of its array; the core converts them to times of
    the recording. The core also leaves out the words and log-probabilities that a client has not asked for,
    so a recognizer may always give all that it knows. A number that is NaN or infinite counts as unknown.
    """

    text: str
    """Without spaces at its ends."""
    start: float | None = None
    """Seconds: of a recognizer, from the start of its array; later, from the recording's start."""
    end: float | None = None
    """Seconds, as `start`."""
    words: tuple[Word, ...] | None = None
    """In the order of the text. Each overlaps the segment."""
    tokens: tuple[Token, ...] | None = None
    """All tokens of the text, in order: their joined bytes, decoded and stripped, are the text."""
    language: str | None = None
    """ISO 639-1 code of the spoken language."""
    speaker: str | None = None
    """Set by the core, never by a recognizer."""
    avg_logprob: float | None = None
    """Mean of the natural log-probabilities of the tokens."""
    no_speech_prob: float | None = None
    """Probability that the audio contains no speech."""
    temperature: float | None = None
    """Sampling temperature; 0: greedy."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A part of a recording that was not transcribed. Times count in seconds from the recording's start."""

    code: str
    """The kind of it, for programs."""
    message: str
    """A sentence for people."""
    start: float | None = None
    """Where the part begins; None: unknown."""
    end: float | None = None
    """Where the part ends; None: unknown, or the recording's end."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result that every response format renders. Times count from the recording's start."""

    text: str
    """The joined texts of all segments."""
    segments: tuple[Segment, ...]
    """In order of time. A segment may have no text."""
    duration: float
    """Seconds of decoded audio."""
    language: str | None
    """ISO 639-1 code of the speech; None: unknown."""
    task: Task
    """Whether it is a transcription or a translation."""
    model: str
    """Id of the model that answered."""
    notices: tuple[Notice, ...] = ()
    """Parts of the recording that were not transcribed."""


def segment_from_tokens(
    tokens: Sequence[Token], *, language: str | None = None, spaces_separate: bool = False
) -> Segment:
    """Return the segment that tokens in order make: its text, words, times and mean log-probability.

    `language` is the spoken language, an ISO 639-1 code. `spaces_separate`: a token of one space stands
    between two words and belongs to neither; else it begins a word, and its time counts.

    A word lasts from the start of its first token to the end of its last. Its probability is the geometric
    mean of its tokens' probabilities, so that long words are not less probable. The segment lasts from its
    first word to its last; its words are None if no token has a time. Without text, it has no language.
    """
    text = _join(tokens)
    timed = not tokens or any(token.start is not None for token in tokens)
    words = tuple(_words(_groups(tokens, language, spaces_separate))) if timed else None
    return Segment(
        text=text,
        start=words[0].start if words else None,
        end=words[-1].end if words else None,
        words=words,
        tokens=tuple(tokens),
        language=language if text else None,
        avg_logprob=mean_logprob(tokens),
    )


def mean_logprob(tokens: Iterable[Token]) -> float | None:
    """Return the mean over the tokens whose log-probability is known; None: it is known of none."""
    known = [token.logprob for token in tokens if token.logprob is not None]
    return math.fsum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens of a model by id. A blank is not among them: its id is `len(vocabulary)`."""

    tokens: tuple[bytes, ...]
    """UTF-8, as `Token.data`; empty for tokens that are no text."""
    spaces_separate: bool = False
    """As in `segment_from_tokens`: true for vocabularies of single characters."""

    def __len__(self) -> int:
        return len(self.tokens)

    def segment(
        self,
        ids: Sequence[int],
        logprobs: Sequence[float | None] = (),
        *,
        frames: Sequence[int] = (),
        frame_seconds: float = 0.0,
        language: str | None = None,
    ) -> Segment:
        """Return the segment of one utterance.

        `logprobs` are natural log-probabilities, one per id; `frames` the indices of the frames at which the
        tokens were emitted, `frame_seconds` apart: a token lasts for its frame. If either is missing, it
        stays unknown. `language` is that of the speech, an ISO 639-1 code.
        """
        tokens = self._tokens(ids, logprobs, frames, frame_seconds)
        return segment_from_tokens(tokens, language=language, spaces_separate=self.spaces_separate)

    def decode(
        self,
        ids: Sequence[int],
        logprobs: Sequence[float | None] = (),
        *,
        frames: Sequence[int] = (),
        frame_seconds: float = 0.0,
    ) -> DecodedText:
        """Return the tokens of one utterance. Deprecated: call `segment`."""
        from govor.contract.versions import DecodedText, warn_of_old

        warn_of_old("govor.Vocabulary.decode is a method of version 0.1: use govor.Vocabulary.segment")
        return DecodedText(self._tokens(ids, logprobs, frames, frame_seconds), self.spaces_separate)

    def _tokens(
        self,
        ids: Sequence[int],
        logprobs: Sequence[float | None],
        frames: Sequence[int],
        frame_seconds: float,
    ) -> list[Token]:
        unknown = [None] * len(ids)
        every = zip(ids, logprobs or unknown, frames or unknown, strict=True)
        return [
            Token(token, self.tokens[token], logprob)
            if frame is None
            else Token(token, self.tokens[token], logprob, frame * frame_seconds, (frame + 1) * frame_seconds)
            for token, logprob, frame in every
        ]


def _words(groups: Iterable[Sequence[Token]]) -> Iterator[Word]:
    for group in groups:
        text = _join(group)
        if text:
            logprob = mean_logprob(group)
            chance = None if logprob is None else math.exp(logprob)
            yield Word(text, _rounded(group[0].start), _rounded(group[-1].end), chance)


def _groups(tokens: Sequence[Token], language: str | None, spaces_separate: bool) -> list[list[Token]]:
    """Return the tokens of each word."""
    groups: list[list[Token]] = []
    begins = True
    for token in tokens:
        if spaces_separate and token.data == b" ":
            begins = True
            continue
        begins = begins or token.data.startswith(b" ")
        if begins or (language in SPACELESS and _is_character(groups[-1])):
            groups.append([])
        groups[-1].append(token)
        begins = False
    return groups


def _is_character(tokens: Iterable[Token]) -> bool:
    """Tell whether the bytes of tokens are whole characters, one of them no space."""
    try:
        return bool(b"".join(token.data for token in tokens).decode().strip())
    except UnicodeDecodeError:
        return False


def _join(tokens: Iterable[Token]) -> str:
    return b"".join(token.data for token in tokens).decode(errors="replace").strip()


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
