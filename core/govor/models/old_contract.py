"""Lets models of plugins that are written for version 0.1 be used. The next minor version will not.

A recognizer of 0.1 states things in attributes of its own, and gives one Segment per array.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from govor.contract.audio import Audio
from govor.contract.models import RuntimeOptions
from govor.contract.recognizers import Capability, Options, RecognizerInfo
from govor.contract.results import Segment, Token

log = logging.getLogger(__name__)


def adapted(loaded: Any, plugin: str, *, transcribes: bool) -> Any:
    """Return what `load` has returned, or if that is of version 0.1, the same with `info`."""
    if isinstance(loaded, type) or hasattr(loaded, "info") or not hasattr(loaded, "parallel"):
        return loaded
    log.warning(
        "DeprecationWarning: plugin '%s' is written for Govor 0.1, as what it loads has no attribute `info`. "
        "The next minor version of Govor will not load it: upgrade the plugin",
        plugin,
    )
    if transcribes:
        return OldRecognizer(loaded)
    loaded.info = old_info(loaded)
    return loaded


def old_info(loaded: Any) -> RecognizerInfo:
    """Return what a model of version 0.1 states in its own attributes."""
    methods = {
        "transcribe_long": Capability.LONG_FORM,
        "detect": Capability.DETECT,
        "stream_of": Capability.COUNT,
        "embed": Capability.EMBED,
    }
    return RecognizerInfo(
        runtime=getattr(loaded, "placement", RuntimeOptions()),
        parallel=loaded.parallel,
        batch=getattr(loaded, "batch", 1),
        cores=getattr(loaded, "threads", None),
        surplus=getattr(loaded, "surplus", 0),
        window=getattr(loaded, "window", 0.0),
        capabilities=frozenset(kind for name, kind in methods.items() if hasattr(loaded, name)),
    )


class OldRecognizer:
    """A recognizer of version 0.1 in the present form."""

    def __init__(self, old: Any):
        self.info = old_info(old)
        self._old = old

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        return [
            [_present(segment)] if segment.text else [] for segment in self._old.transcribe(batch, options)
        ]

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        for segment in self._old.transcribe_long(audio, options):
            yield None if segment is None else _present(segment)

    def detect(self, audio: Audio) -> Sequence[tuple[str, float]]:
        chances: Sequence[tuple[str, float]] = self._old.detect(audio)
        return chances

    def close(self) -> None:
        self._old.close()


def _present(segment: Segment) -> Segment:
    """Return a segment whose tokens were made as `Token(text, logprob, data)` with tokens as they are now."""
    tokens: Sequence[Any] = segment.tokens or ()
    if not any(isinstance(token.logprob, bytes) for token in tokens):
        return segment
    return replace(segment, tokens=tuple(Token(None, token.logprob, token.data) for token in tokens))
