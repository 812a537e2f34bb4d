"""A fake model for texts, which writes them in capitals; also its family and its plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from govor.contract.hooks import hookimpl
from govor.contract.models import Feature, ModelKind, ModelSpec, RuntimeOptions
from govor.contract.recognizers import RecognizerInfo
from govor.contract.results import Segment
from govor.contract.texts.processing import TextOptions

BOTH = frozenset({Feature.PUNCTUATION, Feature.ITN})


class Capitals:
    """Writes texts and words in capitals, with `mark` behind."""

    info = RecognizerInfo(parallel=2, cores=0)

    def __init__(
        self,
        name: str = "capitals",
        *,
        features: frozenset[Feature] = BOTH,
        languages: tuple[str, ...] = (),
        mark: str = "",
        answer: Callable[[Sequence[Segment]], Any] | None = None,
        failure: Exception | None = None,
        unloadable: Exception | None = None,
    ):
        """`answer` makes its results instead; `failure` is raised by each call, `unloadable` by `load`."""
        self.spec = ModelSpec(name, kind=ModelKind.TEXT, features=features, languages=languages)
        self.mark = mark
        self.answer = answer
        self.failure = failure
        self.unloadable = unloadable
        self.asked: list[TextOptions] = []
        """The options of every call."""
        self.closed = 0

    @hookimpl
    def text(self, settings: Mapping[str, Any]) -> Capitals:
        return self

    def models(self) -> Sequence[ModelSpec]:
        return [self.spec]

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> Capitals:
        if self.unloadable is not None:
            raise self.unloadable
        return self

    def process(self, segments: Sequence[Segment], options: TextOptions) -> Any:
        self.asked.append(options)
        if self.failure is not None:
            raise self.failure
        return (
            [self._capitals(segment) for segment in segments]
            if self.answer is None
            else self.answer(segments)
        )

    def _capitals(self, segment: Segment) -> Segment:
        words = segment.words
        if words is not None:
            words = tuple(replace(word, text=word.text.upper()) for word in words)
            words = (*words[:-1], replace(words[-1], text=words[-1].text + self.mark))
        return replace(segment, text=segment.text.upper() + self.mark, words=words)

    def close(self) -> None:
        self.closed += 1
