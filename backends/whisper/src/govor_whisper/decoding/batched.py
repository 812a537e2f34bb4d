"""Decode long audio in batches of windows, as faster-whisper's batched pipeline does it.

By itself, that pipeline keeps a window that loops, makes up text for silence, and leaves out what follows a
window's last timestamp. Here such windows and rests are decoded again, one by one. Imports faster-whisper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from faster_whisper import BatchedInferencePipeline  # type: ignore[import-untyped]
from faster_whisper.transcribe import get_compression_ratio  # type: ignore[import-untyped]
from faster_whisper.vad import VadOptions, get_speech_timestamps  # type: ignore[import-untyped]

import govor
from govor_whisper.decoding.sequential import in_language
from govor_whisper.languages.model import on_cpu

WINDOW = 30 * govor.SAMPLE_RATE
SHORTEST_PAUSE_MS = 160  # the pipeline's own choice

MOST_REPETITIVE = 2.4
LEAST_PROBABLE = -1.0
SILENT = 0.6
"""Bounds of faster-whisper's sequential decoding: compression ratio, mean log-probability, no speech."""

LONGEST_REST = round(1.5 * govor.SAMPLE_RATE)
"""Most detected speech that may follow the last timestamp: the voice detector adds 0.4 s."""


class Pipeline(BatchedInferencePipeline):  # type: ignore[misc]
    """faster-whisper's pipeline, but the encoder's output for each window is kept."""

    def __init__(self, model: Any):
        super().__init__(model)
        self.encoded: list[Any] = []
        """(1, frames, width) each, on the CPU"""

    def generate_segment_batched(self, features: Any, tokenizer: Any, options: Any) -> Any:
        encoded, output = super().generate_segment_batched(features, tokenizer, options)
        self.encoded.extend(part[None] for part in on_cpu(encoded))
        return encoded, output


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the audio, in samples."""

    start: int
    end: int
    speech_end: int
    """End of the last speech in it; its own end, if no speech is found."""


@dataclass(frozen=True, slots=True)
class Task:
    """The audio and the options. `options` are faster-whisper's, for both of its ways."""

    model: Any
    audio: govor.Audio
    options: dict[str, Any]
    temperatures: Sequence[float]
    """The first is for all windows, the others for those with bad results."""
    languages: Sequence[str] = ()
    """Whisper's codes of the possible languages, the one in `options` if it is the only one; none: any."""

    def decode(self, size: int) -> Iterator[Any]:
        """Yield faster-whisper's segments in order; `size` windows are decoded at a time.

        None stands between them at each point at which other tasks may use the model first.
        """
        windows, language = cut_windows(self.audio), self.options["language"]
        for first in range(0, len(windows), size):
            group, decoded_in = windows[first : first + size], language
            for window, (found, encoded) in zip(group, self._together(group, decoded_in), strict=True):
                spoken = self._spoken(window, encoded, language)
                if spoken == [decoded_in]:
                    segments = self.recover(window, found, decoded_in)
                else:
                    segments = self._alone(window.start, window.end, self.temperatures, language)
                yield from segments
                language = spoken[-1]

    def _spoken(self, window: Window, encoded: Any, language: str) -> list[str]:
        """Return the languages of a window, in order; `language` is that of the speech before it."""
        if len(self.languages) == 1:
            return [language]
        audio = self.audio[window.start : window.end]
        found = self.model.detecting(self.languages).language_runs(
            len(audio) // self.model.feature_extractor.hop_length,
            lambda: self.model.feature_extractor(audio),
            encoded,
            language,
        )
        return [run.language for run in found]

    def _together(self, windows: Sequence[Window], language: str) -> list[tuple[list[Any], Any]]:
        """Return the segments of each window, and the encoder's output for it."""
        rate = govor.SAMPLE_RATE
        # half a sample more, because the pipeline rounds down
        clips = [{"start": (at.start + 0.5) / rate, "end": (at.end + 0.5) / rate} for at in windows]
        pipeline = Pipeline(self.model)
        found, _ = pipeline.transcribe(
            self.audio,
            clip_timestamps=clips,
            batch_size=len(windows),
            without_timestamps=False,
            temperature=self.temperatures[0],
            **{**self.options, "language": language},
        )
        by_window: dict[int, list[Any]] = {int(at.start / rate * 100): [] for at in windows}  # as `seek` is
        for segment in found:
            by_window[segment.seek].append(in_language(segment, language))
        return list(zip(by_window.values(), pipeline.encoded, strict=True))

    def recover(self, window: Window, found: list[Any], language: str) -> Iterator[Any]:
        """Yield a window's segments, decoded again if they are not reliable."""
        decoded_until = window.start
        if found:
            probability = found[0].avg_logprob  # of the window: all its segments have the same
            if found[0].no_speech_prob > SILENT and probability < LEAST_PROBABLE:
                return
            text = "".join(segment.text for segment in found)
            failed = get_compression_ratio(text) > MOST_REPETITIVE or probability < LEAST_PROBABLE
            if failed and len(self.temperatures) > 1:
                yield from self._alone(window.start, window.end, self.temperatures[1:], language)
                return
            yield from found
            decoded_until = round(found[-1].end * govor.SAMPLE_RATE)
        if window.speech_end - decoded_until > LONGEST_REST or not found:
            yield from self._alone(decoded_until, window.end, self.temperatures, language)

    def _alone(self, start: int, end: int, temperatures: Sequence[float], language: str) -> Iterator[Any]:
        """Decode a part of the audio in faster-whisper's sequential way."""
        single = len(self.languages) == 1
        model = self.model if single else self.model.detecting(self.languages)
        found, _ = model.transcribe(
            self.audio[start:end],
            temperature=list(temperatures),
            condition_on_previous_text=False,
            **{**self.options, "language": language},
        )
        for segment in found:
            yield None if segment is None else later(segment, start / govor.SAMPLE_RATE)


def cut_windows(audio: govor.Audio) -> list[Window]:
    """Return windows of at most 30 s that together are all of the audio, cut in pauses if there are any."""
    options = VadOptions(max_speech_duration_s=30, min_silence_duration_ms=SHORTEST_PAUSE_MS)
    speech = get_speech_timestamps(audio, options)
    pauses = [(before["end"] + after["start"]) // 2 for before, after in pairwise(speech)]
    cuts = [0]
    while len(audio) - cuts[-1] > WINDOW:
        latest = cuts[-1] + WINDOW
        cuts.append(max((at for at in pauses if cuts[-1] < at <= latest), default=latest))
    cuts.append(len(audio))
    windows = []
    for start, end in pairwise(cuts):
        ends = [min(part["end"], end) for part in speech if part["start"] < end and part["end"] > start]
        windows.append(Window(start, end, max(ends, default=end)))
    return windows


def later(segment: Any, seconds: float) -> Any:
    """Return faster-whisper's segment with its times shifted by `seconds`."""
    words = segment.words and [
        replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words
    ]
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)
