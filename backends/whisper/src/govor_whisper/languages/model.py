"""faster-whisper's model, but it hears where the language changes. Imports faster-whisper.

Whisper tells a language from what its encoder made of a window, in one step of the decoder. Here that is
asked of each part of it at once. A change must last, and be told again of what follows it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Self

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
from faster_whisper import WhisperModel  # type: ignore[import-untyped]
from faster_whisper.audio import pad_or_trim  # type: ignore[import-untyped]
from numpy.typing import NDArray

from govor_whisper.features import Features
from govor_whisper.languages.changes import PARTS, Chances, Run, among, is_change, runs

SHORTEST_MIXED = 1000
"""Frames of 10 ms of audio in which a second language is looked for."""

QUIET_FRAMES = 20
"""Frames of 10 ms of the pause in which one language is cut from another."""

AROUND_CHANGE = 150
"""Frames before and after a change, as far as it is told, in which that pause is looked for."""


Encoded = NDArray[np.float32]
"""(windows, frames of 20 ms, width): what the encoder makes of windows."""


class LanguageDetectingModel(WhisperModel):  # type: ignore[misc]
    """As it is, it never asks; `detecting` gives one that does, for one chunk of audio."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._languages: tuple[str, ...] | None = None
        self._usual: str | None = None
        self._encoded_first: Any = None

    def detecting(self, languages: Sequence[str], usual: str | None = None) -> Self:
        """Return this model for one chunk of audio in which the language may change.

        `languages` are the only ones there can be; none: any. `usual` is spoken, unless another is sure.
        """
        other = copy(self)
        other._languages, other._usual = tuple(languages), usual
        return other

    def detect_language(self, audio: Any = None, features: Any = None, **rest: Any) -> Any:
        """As faster-whisper does, but the window that is encoded for it is kept to be decoded."""
        if self._languages is None or features is None:
            return super().detect_language(audio, features, **rest)
        size = min(self.feature_extractor.nb_max_frames, features.shape[-1] - 1)
        self._encoded_first = self.encode(pad_or_trim(features[..., :size]))
        chances = among(self._chances(self._encoded_first), self._languages)
        best = max(chances, key=chances.__getitem__)
        usual = self._usual
        if usual and best != usual and not is_change(chances, usual, best, self._languages):
            best = usual
        return best, chances.get(best, 0.0), list(chances.items())

    def _chances(self, encoded: Any) -> Chances:
        return _by_code(self.model.detect_language(encoded)[0])

    def language_runs(
        self, frames: int, features: Callable[[], Features], values: Encoded, language: str
    ) -> list[Run]:
        """Return what is spoken in a window so long, in frames; `language` is what was before.

        `features` are the window's, asked for where a change is likely; `values` is what the encoder made of
        them. A change counts only if what follows it is heard in the other language by itself, too.
        """
        named, part = self._languages or (), self.feature_extractor.nb_max_frames // PARTS
        count, width = -(-frames // part), values.shape[1] // PARTS
        parts = np.ascontiguousarray(values[0, : width * count].reshape(count, width, -1))
        told = self.model.detect_language(ctranslate2.StorageView.from_array(parts))
        found = runs([among(_by_code(each), named) for each in told], language)
        if [run.language for run in found] == [language]:
            return [Run(0, frames, language)]
        window, kept = features(), [Run(0, 0, language)]
        for run in found:
            first, end = run.first * part, min(run.end * part, frames)
            before = kept[-1].language
            if run.language != before:
                alone = among(self._chances(self.encode(pad_or_trim(window[:, first:end]))), named)
                if is_change(alone, before, run.language, named):
                    kept.append(Run(_pause(window, first) if first else 0, end, run.language))
                    continue
            kept[-1] = kept[-1]._replace(end=end)
        return kept if kept[0].end else kept[1:]

    def heard(self, window: Features, language: str) -> tuple[Any, str, int]:
        """Encode a window of (mels, frames), as far as one language is spoken; before it `language` was.

        Return what the encoder made of it, which language it is in, and the frame at which another one
        follows; 0: none does.
        """
        encoded, self._encoded_first = self._encoded_first, None  # of the first window, if of any
        if encoded is None:
            encoded = self.encode(pad_or_trim(window))
        frames = window.shape[-1]
        if self._languages is None or frames < SHORTEST_MIXED:
            return encoded, language, 0
        first, *others = self.language_runs(frames, lambda: window, on_cpu(encoded), language)
        if not others:
            return encoded, first.language, 0
        changes_at = others[0].first
        return self.encode(pad_or_trim(window[:, :changes_at])), first.language, changes_at


def _by_code(told: Sequence[tuple[str, float]]) -> Chances:
    return {token[2:-2]: chance for token, chance in told}


def on_cpu(encoded: Any) -> Encoded:
    """Return what the encoder made as an array; CTranslate2 may have it on a GPU, in half precision."""
    values: Encoded = np.array(encoded.to_device(ctranslate2.Device.cpu).to(ctranslate2.DataType.float32))
    return values


def _pause(features: Features, near: int) -> int:
    """Return the middle of the quietest moment of (mels, frames) near a frame."""
    start = max(near - AROUND_CHANGE, 0)
    loudness = features[:, start : near + AROUND_CHANGE].mean(axis=0)
    quiet = np.convolve(loudness, np.ones(QUIET_FRAMES) / QUIET_FRAMES, "valid")
    return start + int(quiet.argmin()) + QUIET_FRAMES // 2
