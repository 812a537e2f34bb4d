"""Whisper and Distil-Whisper: one window of 30 s at a time. Imports transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import transformers
from transformers.modeling_outputs import BaseModelOutput

import govor
from govor_transformers.families.family import Model, chosen_logprobs, lengthened, sampling
from govor_transformers.text.pieces import piece_reader

SECONDS_A_STEP = 0.02
"""Unit of Whisper's timestamps."""
TOKENS_A_SECOND = 20
FEWEST_TOKENS = 32
"""Least value of the limit for an answer's tokens, at which a loop in a short array ends. Russian has about 8
a second.
"""
OPENING = 4
"""Tokens that open an answer: its beginning, language, task."""
CONTROL = re.compile(r"<\|[^|]*\|>")
"""Text in the form of a control token must not come from a client."""
MOST_PROMPT = 224
"""Tokens, including the mark that opens them: half of Whisper's 448 positions."""
SHORTEST_REST = 1.0
"""Least seconds after the last timestamp that are decoded again."""
LANGUAGE_TOKEN = re.compile(r"<\|([a-z]{2,3})\|>")
ISO_TO_WHISPER = {"jv": "jw"}
WHISPER_TO_ISO = {"jw": "jv"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of one window; times in seconds from its start."""

    tokens: list[govor.Token]
    start: float | None
    end: float | None
    rest: float | None
    """Start of a rest that should be decoded again: the text ends before the window does."""


class Whisper:
    """One model."""

    takes_batches = True

    def __init__(self, model: Model):
        self._model = model
        self._extractor = model.load(transformers.WhisperFeatureExtractor)
        self._tokenizer = model.load(transformers.AutoTokenizer)
        self._bytes = piece_reader(self._tokenizer.convert_ids_to_tokens, byte_level=True)
        self._config = model.network.generation_config
        self._languages = {
            match[1]: token
            for name, token in self._tokenizer.get_vocab().items()
            if (match := LANGUAGE_TOKEN.fullmatch(name))
        }
        self._first_time = self._tokenizer.convert_tokens_to_ids("<|notimestamps|>") + 1
        self._end = self._tokenizer.convert_tokens_to_ids("<|endoftext|>")
        self._multilingual = (
            bool(getattr(self._config, "is_multilingual", True)) and len(model.languages) != 1
        )
        self._complete_config()

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[govor.Segment]:
        arrays = lengthened(batch)
        answers: list[list[Answer]] = [[] for _ in batch]
        languages: dict[int, str | None] = {}
        todo = [(row, 0.0) for row in range(len(arrays))]
        while todo:
            parts = [arrays[row][round(at * govor.SAMPLE_RATE) :] for row, at in todo]
            codes = [languages.get(row) for row, _ in todo]
            found, codes = self._decode(parts, codes, options)
            following = []
            for (row, at), answer, code in zip(todo, found, codes, strict=True):
                languages.setdefault(row, code)
                answers[row].append(_later(answer, at))
                if answer.rest is not None:
                    following.append((row, at + answer.rest))
            todo = following
        return [
            _segment(parts, languages[row], len(batch[row]) / govor.SAMPLE_RATE, options)
            for row, parts in enumerate(answers)
        ]

    def detect(self, audio: govor.Audio) -> list[tuple[str, float]]:
        """Return (ISO 639-1 code, probability), the most probable first."""
        chances = self._language_chances(self._encode(lengthened([audio]))[0])[0]
        found = [(WHISPER_TO_ISO.get(code, code), float(chance)) for code, chance in chances.items()]
        return sorted(found, key=lambda each: -each[1])

    def close(self) -> None:
        self._model.close()

    def _decode(
        self, arrays: Sequence[govor.Audio], codes: list[str | None], options: govor.Options
    ) -> tuple[list[Answer], list[str | None]]:
        """Decode windows; return also their languages, detected if unknown."""
        encoded, mask = self._encode(arrays)
        codes = self._choose_languages(encoded, codes, options)
        asked: dict[str, Any] = {}
        if self._multilingual:
            asked = {
                "language": [ISO_TO_WHISPER.get(str(code), str(code)) for code in codes],
                "task": options.task,
            }
        prompt = self._prompt(options)
        if prompt is not None:
            asked["prompt_ids"] = prompt
        room = (
            self._model.network.config.max_target_positions - OPENING - (0 if prompt is None else len(prompt))
        )
        limits = [
            min(room, FEWEST_TOKENS + round(TOKENS_A_SECOND * len(audio) / govor.SAMPLE_RATE))
            for audio in arrays
        ]
        timed = options.words and getattr(self._config, "alignment_heads", None) is not None
        found = self._model.network.generate(
            encoder_outputs=encoded,
            attention_mask=mask,
            max_new_tokens=max(limits),
            return_timestamps=True,
            return_token_timestamps=timed,
            force_unique_generate_call=True,
            return_dict_in_generate=True,
            output_scores=True,
            **asked,
            **sampling(options),
        )
        start = found["sequences"].shape[1] - len(found["scores"])
        logprobs = chosen_logprobs(found, start).tolist()
        times = found["token_timestamps"][:, start:].tolist() if timed else [None] * len(arrays)
        tokens = [
            row[:most] for row, most in zip(found["sequences"][:, start:].tolist(), limits, strict=True)
        ]
        rows = zip(tokens, logprobs, times, arrays, strict=True)
        return [self._answer(*row) for row in rows], codes

    def _prompt(self, options: govor.Options) -> torch.Tensor | None:
        """Return the tokens of prompt and keywords after their mark; only the end of long ones."""
        text = " ".join(filter(None, (options.prompt, ", ".join(options.keywords))))
        text = CONTROL.sub("", text).strip()
        if not text:
            return None
        ids = self._tokenizer.get_prompt_ids(text, return_tensors="pt")
        kept: torch.Tensor = torch.cat((ids[:1], ids[1:][1 - MOST_PROMPT :]))
        return kept.to(self._model.network.device)

    def _encode(self, arrays: Sequence[govor.Audio]) -> tuple[BaseModelOutput, torch.Tensor]:
        """Return the encoder's output and the mask of frames that are not padding."""
        inputs = self._extractor(
            list(arrays), sampling_rate=govor.SAMPLE_RATE, return_tensors="pt", return_attention_mask=True
        )
        placed = self._model.place(inputs)
        return self._model.network.get_encoder()(placed["input_features"]), placed["attention_mask"]

    def _language_chances(self, encoded: BaseModelOutput) -> list[dict[str, float]]:
        """Return for each window the probability of each language of the model."""
        network = self._model.network
        begin = torch.full((len(encoded[0]), 1), self._config.decoder_start_token_id, device=network.device)
        logits = (
            network(encoder_outputs=encoded, decoder_input_ids=begin, use_cache=False).logits[:, -1].float()
        )
        codes = [code for code, token in self._languages.items() if token < logits.shape[1]]
        of_languages = logits[:, [self._languages[code] for code in codes]].softmax(dim=-1).tolist()
        return [dict(zip(codes, row, strict=True)) for row in of_languages]

    def _choose_languages(
        self, encoded: BaseModelOutput, codes: list[str | None], options: govor.Options
    ) -> list[str | None]:
        """Return the language of each window: the only one, the requested one, or the most probable."""
        if not self._multilingual:
            return [self._model.language or "en"] * len(codes)
        if options.language and ISO_TO_WHISPER.get(options.language, options.language) in self._languages:
            return [options.language] * len(codes)
        if None not in codes:
            return codes
        wanted = {ISO_TO_WHISPER.get(code, code) for code in options.languages} & set(self._languages)
        chosen: list[str | None] = []
        for code, chances in zip(codes, self._language_chances(encoded), strict=True):
            best = max(wanted or chances, key=lambda each: chances.get(each, 0.0))
            chosen.append(code or WHISPER_TO_ISO.get(best, best))
        return chosen

    def _answer(
        self, tokens: list[int], logprobs: list[float], times: list[float] | None, audio: govor.Audio
    ) -> Answer:
        if self._end in tokens:
            tokens = tokens[: tokens.index(self._end)]
        duration = len(audio) / govor.SAMPLE_RATE
        found = []
        for place, token in enumerate(tokens):
            if token >= self._end:
                continue
            start = end = None
            if times is not None:  # each token has the time at which the next one begins
                start = min(times[place - 1] if place else 0.0, duration)
                end = max(start, min(times[place], duration))
            found.append(govor.Token(token, self._bytes(token), logprobs[place], start, end))
        marks = [(token - self._first_time) * SECONDS_A_STEP for token in tokens if token >= self._first_time]
        closed = len(tokens) > 1 and min(tokens[-2:]) >= self._first_time
        last = marks[-1] if marks else 0.0
        rest = last if closed and 0 < last < duration - SHORTEST_REST else None
        return Answer(found, marks[0] if marks else None, marks[-1] if marks else None, rest)

    def _complete_config(self) -> None:
        """Set values that fine-tuned models of 2022 lack, and those that `generate` must not choose."""
        if getattr(self._config, "no_timestamps_token_id", None) is None:
            self._config.no_timestamps_token_id = self._first_time - 1
        if getattr(self._config, "is_multilingual", None) is None:
            self._config.is_multilingual = self._multilingual
        if not self._multilingual:
            return
        if getattr(self._config, "lang_to_id", None) is None:
            self._config.lang_to_id = {f"<|{code}|>": token for code, token in self._languages.items()}
        if getattr(self._config, "task_to_id", None) is None:
            self._config.task_to_id = {
                task: self._tokenizer.convert_tokens_to_ids(f"<|{task}|>")
                for task in ("transcribe", "translate")
            }


def _later(answer: Answer, seconds: float) -> Answer:
    """Return a window's answer with times of the whole array."""

    def shift(time: float | None) -> float | None:
        return None if time is None else time + seconds

    tokens = [replace(token, start=shift(token.start), end=shift(token.end)) for token in answer.tokens]
    return Answer(tokens, shift(answer.start), shift(answer.end), answer.rest)


def _segment(
    answers: Sequence[Answer], language: str | None, duration: float, options: govor.Options
) -> govor.Segment:
    found = govor.segment_from_tokens(
        [token for answer in answers for token in answer.tokens], language=language
    )
    text = found.text
    starts = [answer.start for answer in answers if answer.start is not None]
    ends = [answer.end for answer in answers if answer.end is not None]
    words = found.words or ()  # the model times them apart from the segment: none may lie outside it
    first = min([*starts[:1], *(word.end for word in words if word.end is not None)], default=None)
    last = max([*ends[-1:], *(word.start for word in words if word.start is not None)], default=None)
    return replace(
        found,
        start=round(min(first, duration), 3) if text and starts and first is not None else None,
        end=round(min(last, duration), 3) if text and ends and last is not None else None,
        temperature=options.temperature or 0.0,
    )
