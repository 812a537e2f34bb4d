"""What a decoder found, as a Govor Segment: text, words with times, tokens with log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import govor
from govor_gigaam_onnx.decoding.greedy import Hypothesis
from govor_gigaam_onnx.decoding.vocabulary import Vocabulary


def as_segment(
    found: Hypothesis,
    vocabulary: Vocabulary,
    frame_seconds: float,
    language: str | None,
    options: govor.Options,
) -> govor.Segment:
    """Return one utterance; where nothing was found, one of silence."""
    words = list(_words(found, vocabulary, frame_seconds))
    return govor.Segment(
        text=vocabulary.decode(found.tokens).strip(),
        start=words[0].start if words else None,
        end=words[-1].end if words else None,
        words=tuple(words) if options.words else None,
        tokens=tuple(_tokens(found, vocabulary)) if options.logprobs else None,
        token_ids=tuple(found.tokens),
        language=language if words else None,
        avg_logprob=_mean(found.logprobs) if found.logprobs else None,
    )


def _words(found: Hypothesis, vocabulary: Vocabulary, frame_seconds: float) -> Iterator[govor.Word]:
    """Upstream's rule: from the frame of a word's first token to the end of that of its last.

    A word's probability is the geometric mean of its tokens', so that long words are not less probable.
    """
    begins = [place for place, token in enumerate(found.tokens) if vocabulary.begins_word(token)]
    for begin, end in pairwise((0, *begins, len(found.tokens))):
        places = [place for place in range(begin, end) if not vocabulary.separates(found.tokens[place])]
        text = vocabulary.decode(found.tokens[place] for place in places).strip()
        if text:
            yield govor.Word(
                text,
                start=round(found.frames[places[0]] * frame_seconds, 3),
                end=round((found.frames[places[-1]] + 1) * frame_seconds, 3),
                probability=math.exp(_mean([found.logprobs[place] for place in places])),
            )


def _tokens(found: Hypothesis, vocabulary: Vocabulary) -> Iterator[govor.Token]:
    """Yield tokens that joined are the text, which does not begin with a space."""
    for place, (token, logprob) in enumerate(zip(found.tokens, found.logprobs, strict=True)):
        data = vocabulary.tokens[token]
        data = data if place else data.lstrip()
        yield govor.Token(data.decode(errors="replace"), logprob, data)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
