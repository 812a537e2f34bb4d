"""Voxtral: a language model with audio input, prompted to transcribe. Imports transformers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers

import govor
from govor_transformers.families.family import Model, chosen_logprobs, sampling
from govor_transformers.text.tekken import Tekken

WINDOW = 30 * govor.SAMPLE_RATE
"""Its input is whole windows of 30 s; the last one is padded with silence."""
TOKENS_A_SECOND = 16
FEWEST_TOKENS = 32
"""Least value of the limit for an answer's tokens, at which a loop ends."""


class Voxtral:
    """One model."""

    takes_batches = True

    def __init__(self, model: Model):
        self._model = model
        self._extractor = model.load(transformers.WhisperFeatureExtractor)
        self._words = Tekken(model.folder / "tekken.json")
        special = self._words.special
        self._opening = [special("<s>"), special("[INST]"), special("[BEGIN_AUDIO]")]
        self._closing, self._request = special("[/INST]"), special("[TRANSCRIBE]")
        self._end, self._padding = special("</s>"), special("<pad>")
        hearing = model.network.config.audio_config
        self._tokens_a_window = (
            hearing.max_source_positions * hearing.hidden_size // hearing.intermediate_size
        )

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[govor.Segment]:
        language = options.language or self._model.language
        arrays = [np.pad(audio, (0, -len(audio) % WINDOW)) for audio in batch]
        asked = [self._ask(len(audio) // WINDOW, language) for audio in arrays]
        start = max(len(tokens) for tokens in asked)
        limits = [FEWEST_TOKENS + TOKENS_A_SECOND * len(audio) // govor.SAMPLE_RATE for audio in batch]
        inputs = {
            "input_ids": torch.tensor([[self._padding] * (start - len(ids)) + ids for ids in asked]),
            "attention_mask": torch.tensor([[0] * (start - len(ids)) + [1] * len(ids) for ids in asked]),
            "input_features": self._features(arrays),
        }
        found = self._model.network.generate(
            **self._model.place(inputs),
            max_new_tokens=max(limits),
            return_dict_in_generate=True,
            output_scores=True,
            **sampling(options),
        )
        logprobs = chosen_logprobs(found, start).tolist()
        answers = zip(found["sequences"][:, start:].tolist(), logprobs, limits, strict=True)
        return [self._segment(tokens[:most], chances, language) for tokens, chances, most in answers]

    def close(self) -> None:
        self._model.close()

    def _ask(self, windows: int, language: str | None) -> list[int]:
        """Return the tokens of a transcription request, as mistral-common writes it."""
        audio = [self._model.network.config.audio_token_id] * self._tokens_a_window * windows
        named = self._words.encode(f"lang:{language}") if language else []
        return [*self._opening, *audio, self._closing, *named, self._request]

    def _features(self, arrays: Sequence[govor.Audio]) -> torch.Tensor:
        """Return the features of all windows of all arrays, (windows, mels, frames)."""
        windows = [audio[at : at + WINDOW] for audio in arrays for at in range(0, len(audio), WINDOW)]
        inputs = self._extractor(windows, sampling_rate=govor.SAMPLE_RATE, return_tensors="pt")
        features: torch.Tensor = inputs["input_features"]
        return features

    def _segment(self, tokens: list[int], chances: list[float], language: str | None) -> govor.Segment:
        found: list[govor.Token] = []
        for token, chance in zip(tokens, chances, strict=False):
            if token == self._end:
                break
            if data := self._words.decode(token):
                found.append(govor.Token(token, data, chance))
        return govor.segment_from_tokens(found, language=language)
