"""faster-whisper's model, with detection of changes of language. Imports faster-whisper.

Whisper detects a language from its encoder's output for a window, in one step of the decoder. Here that is
done for all parts of the window at once. A change must last, and be confirmed by the speech after it alone.
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
"""Least frames of 10 ms of audio in which a second language is searched."""

QUIET_FRAMES = 20
"""Frames of 10 ms of the pause at which two languages are separated."""

AROUND_CHANGE = 150
"""Frames before and after a detected change in which that pause is searched."""


Encoded = NDArray[np.float32]
"""(windows, frames of 20 ms, width): the encoder's output."""


class LanguageDetectingModel(WhisperModel):  # type: ignore[misc]
    """By itself it detects no changes; `detecting` returns one that does, for one chunk of audio."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._languages: tuple[str, ...] | None = None
        self._usual: str | None = None
        self._encoded_first: Any = None

    def detecting(self, languages: Sequence[str], usual: str | None = None) -> Self:
        """Return this model for one chunk of audio in which the language may change.

        `languages` are the only possible ones; none: any. `usual` is assumed unless another is certain.
        """
        other = copy(self)
        other._languages, other._usual = tuple(languages), usual
        return other

    def detect_language(self, audio: Any = None, features: Any = None, **rest: Any) -> Any:
        """Detect like faster-whisper, but keep the encoded window for decoding."""
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
        """Return the runs of languages in a window of so many frames; `language` is that before it.

        `features` returns those of the window, called if a change is likely; `values` is the encoder's
        output for them. A change counts only if the speech after it, detected alone, is in the other
        language, too.
        """
        named, part = self._languages or (), self.feature_extractor.nb_max_frames // PARTS
        count, width = -(-frames // part), values.shape[1] // PARTS
        parts = np.ascontiguousarray(values[0, : width * count].reshape(count, width, -1))
        detected = self.model.detect_language(ctranslate2.StorageView.from_array(parts))
        found = runs([among(_by_code(each), named) for each in detected], language)
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
        """Encode a window (mels, frames) up to the end of its first language; `language` is that before it.

        Return the encoder's output, the language, and the frame at which another one follows; 0: none
        does.
        """
        encoded, self._encoded_first = self._encoded_first, None  # of the first window, if this is it
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


def _by_code(detected: Sequence[tuple[str, float]]) -> Chances:
    return {token[2:-2]: chance for token, chance in detected}


def on_cpu(encoded: Any) -> Encoded:
    """Return the encoder's output as an array; CTranslate2 may have it on a GPU, in half precision."""
    values: Encoded = np.array(encoded.to_device(ctranslate2.Device.cpu).to(ctranslate2.DataType.float32))
    return values


def _pause(features: Features, near: int) -> int:
    """Return the middle of the quietest moment of (mels, frames) near a frame."""
    start = max(near - AROUND_CHANGE, 0)
    loudness = features[:, start : near + AROUND_CHANGE].mean(axis=0)
    quiet = np.convolve(loudness, np.ones(QUIET_FRAMES) / QUIET_FRAMES, "valid")
    return start + int(quiet.argmin()) + QUIET_FRAMES // 2
