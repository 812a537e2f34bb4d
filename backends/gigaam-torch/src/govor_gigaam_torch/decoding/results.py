"""What the decoders found, as Govor's Segments: text, word times, tokens, log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import govor
from govor_gigaam_torch.decoding.greedy import Emission
from govor_gigaam_torch.decoding.vocabulary import Vocabulary


def as_segment(
    emissions: Sequence[Emission],
    vocabulary: Vocabulary,
    frame_seconds: float,
    language: str | None,
    options: govor.Options,
) -> govor.Segment:
    """Return one utterance; without emissions it is one of silence."""
    words = list(_words(emissions, vocabulary, frame_seconds))
    spoken = [emission.logprob for emission in emissions]
    return govor.Segment(
        text=vocabulary.decode(emission.token for emission in emissions).strip(),
        start=words[0].start if words else None,
        end=words[-1].end if words else None,
        words=tuple(words) if options.words else None,
        tokens=tuple(_tokens(emissions, vocabulary)) if options.logprobs else None,
        token_ids=tuple(emission.token for emission in emissions),
        language=language if words else None,
        avg_logprob=math.fsum(spoken) / len(spoken) if spoken else None,
    )


def _words(
    emissions: Sequence[Emission], vocabulary: Vocabulary, frame_seconds: float
) -> Iterator[govor.Word]:
    """Split at spaces; by upstream's rule a word lasts from its first token's frame to its last one's."""
    starts = [place for place, each in enumerate(emissions) if vocabulary.begins_word(each.token)]
    for start, end in pairwise((0, *starts, len(emissions))):
        word = [each for each in emissions[start:end] if not vocabulary.separates(each.token)]
        text = vocabulary.decode(each.token for each in word).strip()
        if text:
            yield govor.Word(
                text,
                start=round(word[0].frame * frame_seconds, 3),
                end=round((word[-1].frame + 1) * frame_seconds, 3),
                probability=math.exp(math.fsum(each.logprob for each in word) / len(word)),
            )


def _tokens(emissions: Sequence[Emission], vocabulary: Vocabulary) -> Iterator[govor.Token]:
    """Give each token as it stands in the text, which does not begin with a space."""
    for place, each in enumerate(emissions):
        data = vocabulary.tokens[each.token] if place else vocabulary.tokens[each.token].lstrip()
        yield govor.Token(data.decode(errors="replace"), each.logprob, data)
