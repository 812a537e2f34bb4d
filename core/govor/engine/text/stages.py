"""Improves the segments of one recording by models of the kind TEXT. A failure loses no text.

Knows nothing of audio or HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from govor.contract.models import Feature, ModelSpec
from govor.contract.results import Notice, Segment, Word
from govor.contract.texts.processing import TextOptions, TextProcessor
from govor.engine.alignment.plain_values import plain_values
from govor.engine.model_pool.pool import Loaded
from govor.engine.scheduling.fair_share import FairShare
from govor.errors import GovorError, ShuttingDown
from govor.models.catalogue import Model
from govor.plain import has_text

UNPROCESSED = "text_unprocessed"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can be done to a text."""

    name: str
    """The field of TextOptions, and of requests."""
    feature: Feature
    meaning: str


STEPS = (
    Step("punctuation", Feature.PUNCTUATION, "punctuation"),
    Step("itn", Feature.ITN, "numbers in digits"),
)
"""In the order of work: punctuation shows where a number ends."""


def wanted_steps(options: TextOptions, spec: ModelSpec) -> list[Step]:
    """Return the steps that are asked for, without those that the transcribing model does itself."""
    asked = {"punctuation": options.punctuation, "itn": options.itn}
    return [step for step in STEPS if asked[step.name] and step.feature not in spec.features]


def models_for(step: Step, language: str | None, models: Iterable[Model]) -> list[Model]:
    """Return the models that can do a step, if the language is theirs or unknown."""
    return [
        model
        for model in models
        if step.feature in model.spec.features and (language is None or _knows(model.spec, language))
    ]


def _knows(spec: ModelSpec, language: str) -> bool:
    return not spec.languages or language in spec.languages


class TextStages:
    """The steps for the texts of one recording. Models are loaded when the first text needs them."""

    def __init__(
        self,
        steps: Sequence[Step],
        language: str | None,
        models: Sequence[Model],
        lease: Callable[[Model], Awaitable[Loaded]],
        *,
        translated: bool,
    ):
        """`lease` loads a model and holds it in memory.

        `language` is that of segments that name none or, if they are `translated`, of all.
        """
        self._translated = translated
        self._steps = steps
        self._language = language
        self._models = models
        self._lease = lease
        self._share = FairShare()
        self._loaded: dict[str, Loaded | None] = {}
        self._leasing = asyncio.Lock()
        self._failed: Notice | None = None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The part of the recording whose text is as the transcribing model wrote it."""
        return (self._failed,) if self._failed else ()

    async def process(self, segment: Segment) -> Segment:
        """Return a segment with a better text or, if that fails, the segment. Raises ShuttingDown."""
        if not self._steps or not has_text(segment.text):
            return segment
        spoken = None if self._translated else segment.language
        language = spoken or self._language
        for loaded, names in await self._plan(segment, language):
            options = TextOptions(language, punctuation="punctuation" in names, itn="itn" in names)
            call = partial(_processed, segment=segment, options=options)
            try:
                segment = await loaded.scheduler.ask(call, self._share)
            except ShuttingDown:
                raise
            except GovorError as error:
                self._note(segment, f"'{loaded.model.id}' failed: {error}")
        return segment

    async def _plan(self, segment: Segment, language: str | None) -> list[tuple[Loaded, list[str]]]:
        """Return the models for a text with the names of their steps; one call does neighbouring ones."""
        plan: list[tuple[Loaded, list[str]]] = []
        for step in self._steps:
            loaded = await self._first(segment, models_for(step, language, self._models))
            if loaded is None:
                continue
            if plan and plan[-1][0] is loaded:
                plan[-1][1].append(step.name)
            else:
                plan.append((loaded, [step.name]))
        return plan

    async def _first(self, segment: Segment, models: Iterable[Model]) -> Loaded | None:
        """Return the first model that can be loaded; None: there is none."""
        reason = ""
        async with self._leasing:
            for model in models:
                if model.qualified not in self._loaded:
                    self._loaded[model.qualified] = None
                    try:
                        self._loaded[model.qualified] = await self._lease(model)
                    except ShuttingDown:
                        raise
                    except GovorError as error:
                        reason = str(error)
                        log.warning("Texts are not processed by '%s': %s", model.id, error)
                if (loaded := self._loaded[model.qualified]) is not None:
                    return loaded
                reason = reason or f"'{model.id}' could not be loaded."
        if reason:
            self._note(segment, reason)
        return None

    def _note(self, segment: Segment, reason: str) -> None:
        """Record that a segment is as it was; one notice covers all such segments."""
        start = self._failed.start if self._failed else segment.start
        message = self._failed.message if self._failed else _message(self._steps, reason)
        self._failed = Notice(UNPROCESSED, message, start, segment.end)


def _message(steps: Sequence[Step], reason: str) -> str:
    what = " and ".join(step.meaning for step in steps)
    return f"Parts of the text lack {what}: {reason}"


def _processed(model: TextProcessor, segment: Segment, options: TextOptions) -> Segment:
    """Return what a model makes of a segment. Raises TypeError or ValueError if that cannot be used."""
    answer = list(model.process([segment], options))
    if [type(each) for each in answer] != [Segment]:
        raise TypeError(f"process() gave {answer!r:.80} instead of one Segment")
    found = plain_values(answer[0])
    if not has_text(found.text):
        raise ValueError("process() gave no text")
    text = found.text.strip()
    words = _checked_words(segment, text, found.words)
    if text == segment.text:
        return replace(segment, words=words)
    kept = None if answer[0].tokens is segment.tokens else found.tokens  # of the old text
    return replace(segment, text=text, words=words, tokens=kept)


def _checked_words(segment: Segment, text: str, words: tuple[Word, ...] | None) -> tuple[Word, ...] | None:
    """Return the words of a new text. Raises ValueError if they are not its words, or lost their times."""
    if segment.words is None or (text == segment.text and words == segment.words):
        return segment.words
    if words is None or _letters(word.text for word in words) != _letters([text]):
        raise ValueError("process() gave words that are not those of its text")
    if not _timed(words) and _timed(segment.words):
        raise ValueError("process() gave words without times")
    return tuple(words)


def _letters(texts: Iterable[str]) -> str:
    return "".join("".join(text.split()) for text in texts)


def _timed(words: Iterable[Word]) -> bool:
    return all(word.start is not None and word.end is not None for word in words)
