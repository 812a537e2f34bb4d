"""Moonshine, and other models that write a text for an array and have no options. Imports transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import transformers

import govor
from govor_transformers.families.family import Model, chosen_logprobs, lengthened, sampling
from govor_transformers.text.pieces import piece_reader

TOKENS_A_SECOND = 6.5
"""Most tokens of the answer, as Moonshine's authors advise: it may loop instead of ending."""
FEWEST_TOKENS = 8


class Sequences:
    """One model: features in, tokens out."""

    takes_batches = False
    """Moonshine's first norm is over a whole row, padding included: in a batch the text changes."""

    def __init__(self, model: Model):
        self._model = model
        self._extractor = model.load(transformers.AutoFeatureExtractor)
        self._tokenizer = model.load(transformers.AutoTokenizer)
        self._bytes = piece_reader(self._tokenizer.convert_ids_to_tokens, byte_level=False)
        self._special = set(self._tokenizer.all_special_ids)

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[govor.Segment]:
        arrays = lengthened(batch)
        inputs = self._extractor(
            arrays,
            sampling_rate=govor.SAMPLE_RATE,
            return_tensors="pt",
            padding=True,
            return_attention_mask=True,
        )
        limits = [self._most_tokens(audio) for audio in arrays]
        found = self._model.network.generate(
            **self._model.place(inputs),
            max_new_tokens=max(limits),
            return_dict_in_generate=True,
            output_scores=True,
            **sampling(options),
        )
        start = found["sequences"].shape[1] - len(found["scores"])
        logprobs = chosen_logprobs(found, start).tolist()
        rows = zip(found["sequences"][:, start:].tolist(), logprobs, limits, strict=True)
        return [self._segment(tokens[:most], chances) for tokens, chances, most in rows]

    def close(self) -> None:
        self._model.close()

    def _most_tokens(self, audio: govor.Audio) -> int:
        return FEWEST_TOKENS + int(TOKENS_A_SECOND * len(audio) / govor.SAMPLE_RATE)

    def _segment(self, tokens: list[int], chances: list[float]) -> govor.Segment:
        found: list[govor.Token] = []
        for token, chance in zip(tokens, chances, strict=False):
            if token in self._ends:
                break
            if token not in self._special:
                found.append(govor.Token(token, self._bytes(token), chance))
        return govor.segment_from_tokens(found, language=self._model.language)

    @property
    def _ends(self) -> set[int]:
        end: Any = self._model.network.generation_config.eos_token_id
        return set(end) if isinstance(end, list) else {end}
