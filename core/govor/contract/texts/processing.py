"""The contract between the core and models that improve texts: punctuation, numbers in digits.

Knows nothing of audio, files or HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from govor.contract.backends import ModelFamily
from govor.contract.recognizers import Loaded
from govor.contract.results import Segment


@dataclass(frozen=True, slots=True)
class TextOptions:
    """The improvements that a text shall get. The core asks a model only for those of its features."""

    language: str | None = None
    """ISO 639-1 code of the text, one of the model's; None: unknown."""
    punctuation: bool = False
    """Add punctuation and capitals."""
    itn: bool = False
    """Write numbers in digits (inverse text normalisation)."""


AS_IT_IS = TextOptions()
"""Options that ask for nothing."""


class TextProcessor(Loaded, Protocol):
    """One loaded model. As many threads may call it at once as `info` states."""

    def process(self, segments: Sequence[Segment], options: TextOptions) -> Sequence[Segment]:
        """Return the segments with better texts: as many, in the same order. Runs in a worker thread.

        If a segment has words, the new one has words too: a word that is new or changed keeps the times of
        those that it replaces, and the words joined are the text. Tokens are kept only if they still join to
        the text; else they are None. A model that is not sure leaves the text as it is. Of the other fields,
        the core keeps the old values.
        """
        ...


class TextProcessing(ModelFamily[TextProcessor], Protocol):
    """A family of models for texts, of the kind TEXT, whose features are PUNCTUATION, ITN or both."""
