"""faster-whisper's model, with long audio processed in small steps and little memory.

Decodes window after window like faster-whisper, so that the texts are the same to the letter: the encoder,
the decoder, prompts, the cutting into segments and the times of words are its own. Imports faster-whisper.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from faster_whisper.tokenizer import Tokenizer  # type: ignore[import-untyped]
from faster_whisper.transcribe import Segment, Word  # type: ignore[import-untyped]

from govor_whisper.features import Features, PiecewiseExtractor
from govor_whisper.languages.model import LanguageDetectingModel

CONTEXT_TOKENS = 223
"""Most tokens before a window: half of Whisper's 448 positions, less the mark that opens it."""

DRAWS_AT_ONCE = 3
"""Samples of a temperature that a CPU decodes at once. Each has keys and values of the whole window in every
layer of the decoder: 37 MB with base, 490 with large. Five at once took more memory than anything else;
three and then two take a quarter more time, for these windows only.
"""


SHORTEST_REST = 150
"""Frames before a change of language that are not decoded once more by themselves."""


@dataclass
class LanguageSegment(Segment):  # type: ignore[misc]
    """faster-whisper's segment, with Whisper's code of its language."""

    language: str


class Attempt(NamedTuple):
    """The result of one temperature for a window, as faster-whisper returns it."""

    result: Any
    avg_logprob: float
    temperature: float
    compression_ratio: float


class SteppingModel(LanguageDetectingModel):
    """A model that yields None between segments at each point at which other tasks may use it first.

    Keywords and earlier text share the positions before the window. faster-whisper limits each separately:
    long keywords and long context together exceed the 448 positions ("No position encodings are defined");
    well before that they leave no room for the answer.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.feature_extractor = PiecewiseExtractor(**self.feat_kwargs)
        self.draws_at_once: int | None = DRAWS_AT_ONCE if self.model.device == "cpu" else None
        """None: all samples of a temperature, as faster-whisper does."""

    def get_prompt(
        self,
        tokenizer: Any,
        previous_tokens: list[int],
        *args: Any,
        hotwords: str | None = None,
        **kwargs: Any,
    ) -> list[int]:
        taken = len(tokenizer.encode(" " + hotwords.strip())) if hotwords else 0
        room = max(0, CONTEXT_TOKENS - taken)
        kept = previous_tokens[-room:] if room else []
        prompt: list[int] = super().get_prompt(tokenizer, kept, *args, hotwords=hotwords, **kwargs)
        return prompt

    def generate_segments(
        self, features: Features, tokenizer: Any, options: Any, *_: Any
    ) -> Iterator[LanguageSegment | None]:
        """Yield the segments of all windows, and None before further work on a window without segments.

        `options` are faster-whisper's. Clips, a prefix, a change of language from window to window and the
        threshold of silence are never requested here, and ignored. If `detecting` made this model, a
        window ends where the language changes.
        """
        extractor = self.feature_extractor
        said, kept_from, spoken_until, seek = _prompted(tokenizer, options), 0, 0.0, 0
        number, frames = 0, features.shape[-1] - 1
        while seek < frames:
            size = min(extractor.nb_max_frames, frames - seek)
            encoded, language, changes_at = self.heard(
                features[:, seek : seek + size], tokenizer.language_code
            )
            if language != tokenizer.language_code:
                tokenizer = self._tokenizer_for(language, tokenizer)
                kept_from = len(said) if seek else 0
            size = changes_at or size
            prompt = self.get_prompt(
                tokenizer,
                said[kept_from:],
                without_timestamps=options.without_timestamps,
                hotwords=options.hotwords,
            )
            best = yield from self._attempts(encoded, prompt, tokenizer, options)
            began, offset = seek, seek * extractor.time_per_frame
            if _is_silence(best, options) and not best.avg_logprob > options.log_prob_threshold:
                seek += size
                yield None
                continue
            found, seek, spoken_until = self._cut(best, encoded, tokenizer, options, seek, size, spoken_until)
            del encoded
            if changes_at:
                seek = seek if seek < began + size - SHORTEST_REST else began + size
                _end_by(found, offset + size * extractor.time_per_frame)
            before = number
            for part in found:
                text = tokenizer.decode(part["tokens"])
                if part["start"] == part["end"] or not text.strip():
                    continue
                said.extend(part["tokens"])
                number += 1
                yield _segment(
                    number, began, part, text, best, tokenizer.language_code, words=options.word_timestamps
                )
            if number == before:
                yield None
            if (
                not options.condition_on_previous_text
                or best.temperature > options.prompt_reset_on_temperature
            ):
                kept_from = len(said)

    def _cut(
        self,
        best: Attempt,
        encoded: Any,
        tokenizer: Any,
        options: Any,
        seek: int,
        size: int,
        spoken_until: float,
    ) -> tuple[list[dict[str, Any]], int, float]:
        """Return the segments of a window, the start of the next one, and the end of the last word."""
        frame_seconds = self.feature_extractor.time_per_frame
        found, following, ends_in_silence = self._split_segments_by_timestamps(
            tokenizer=tokenizer,
            tokens=best.result.sequences_ids[0],
            time_offset=seek * frame_seconds,
            segment_size=size,
            segment_duration=size * frame_seconds,
            seek=seek,
        )
        if options.word_timestamps:
            self.add_word_timestamps(
                [found],
                tokenizer,
                encoded,
                size,
                options.prepend_punctuations,
                options.append_punctuations,
                last_speech_timestamp=spoken_until,
            )
            spoken_until = _last_end(found, spoken_until)
            if not ends_in_silence and spoken_until > seek * frame_seconds:
                following = round(spoken_until * self.frames_per_second)
        return found, following, spoken_until

    def _tokenizer_for(self, language: str, tokenizer: Any) -> Any:
        task = "translate" if tokenizer.task == tokenizer.translate else "transcribe"
        return Tokenizer(self.hf_tokenizer, True, task=task, language=language)

    def _attempts(
        self, encoded: Any, prompt: list[int], tokenizer: Any, options: Any
    ) -> Generator[None, None, Attempt]:
        """Return the first reliable attempt, else the most probable; yield before each further one."""
        attempts: list[Attempt] = []
        for temperature in options.temperatures:
            if attempts:
                yield None
            attempt = yield from self._drawn(temperature, encoded, prompt, tokenizer, options)
            attempts.append(attempt)
            repeats = attempt.compression_ratio > options.compression_ratio_threshold
            improbable = attempt.avg_logprob < options.log_prob_threshold
            if not (repeats or improbable) or (improbable and _is_silence(attempt, options)):
                return attempt
        varied = [each for each in attempts if each.compression_ratio <= options.compression_ratio_threshold]
        best = max(varied or attempts, key=lambda each: each.avg_logprob)
        return best._replace(temperature=attempts[-1].temperature)  # after it, the text before is discarded

    def _drawn(
        self, temperature: float, encoded: Any, prompt: list[int], tokenizer: Any, options: Any
    ) -> Generator[None, None, Attempt]:
        """Return the most probable text of one temperature; yield before further samples are drawn."""
        wanted = options.best_of if temperature > 0 else 1
        at_once = self.draws_at_once or wanted
        drawn: list[Attempt] = []
        for first in range(0, wanted, at_once):
            if drawn:
                yield None
            some = replace(options, temperatures=[temperature], best_of=min(at_once, wanted - first))
            drawn.append(Attempt(*self.generate_with_fallback(encoded, prompt, tokenizer, some)))
        return max(drawn, key=lambda each: each.result.scores[0])


def in_language(segment: Segment, language: str) -> LanguageSegment:
    """Return faster-whisper's segment with its language."""
    return LanguageSegment(
        **{each.name: getattr(segment, each.name) for each in fields(segment)}, language=language
    )


def _prompted(tokenizer: Any, options: Any) -> list[int]:
    """Return the tokens of the client's text before the first window."""
    prompt: str | None = options.initial_prompt
    return [] if prompt is None else list(tokenizer.encode(" " + prompt.strip()))


def _is_silence(attempt: Attempt, options: Any) -> bool:
    return bool(attempt.result.no_speech_prob > options.no_speech_threshold)


def _last_end(found: list[dict[str, Any]], otherwise: float) -> float:
    """Return the end of the last word; without words, of the last segment."""
    words = (word["end"] for part in reversed(found) for word in reversed(part["words"]))
    return float(next(words, found[-1]["end"] if found else otherwise))


def _end_by(found: list[dict[str, Any]], seconds: float) -> None:
    """Limit the segments to `seconds`, where another language begins."""
    for part in found:
        part["start"], part["end"] = min(part["start"], seconds), min(part["end"], seconds)


def _segment(
    number: int, seek: int, part: dict[str, Any], text: str, best: Attempt, language: str, *, words: bool
) -> LanguageSegment:
    return LanguageSegment(
        language=language,
        id=number,
        seek=seek,
        start=part["start"],
        end=part["end"],
        text=text,
        tokens=part["tokens"],
        temperature=best.temperature,
        avg_logprob=best.avg_logprob,
        compression_ratio=best.compression_ratio,
        no_speech_prob=best.result.no_speech_prob,
        words=[Word(**word) for word in part["words"]] if words else None,
    )
