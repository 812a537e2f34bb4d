"""CTC models: wav2vec2 and its relatives, and MMS with an adapter for each language. Imports transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import transformers

import govor
from govor_transformers.families.family import Model, lengthened


class CTC:
    """One model. Greedy: the best token of each frame, one per run, without blanks."""

    def __init__(self, model: Model):
        self._model = model
        self._extractor = model.load(transformers.AutoFeatureExtractor)
        first = next(iter(model.adapters.values()), None)
        self._tokenizer = model.load(transformers.AutoTokenizer, **({"target_lang": first} if first else {}))
        self._adapter = ""
        self.takes_batches = bool(getattr(self._extractor, "return_attention_mask", False))
        if first:
            self._take_adapter(first)
        if not isinstance(self._tokenizer.pad_token_id, int):
            raise govor.LoadFailed(
                f"The tokenizer in {model.folder} has no padding token, which is the blank."
            )

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[govor.Segment]:
        language = self._choose_language(options)
        arrays = lengthened(batch)
        inputs = self._extractor(arrays, sampling_rate=govor.SAMPLE_RATE, return_tensors="pt", padding=True)
        if len(arrays) == 1 or not self.takes_batches:
            inputs.pop("attention_mask", None)
        logits = self._model.network(**self._model.place(inputs)).logits
        chances = torch.log_softmax(logits.float(), dim=-1).cpu()
        lengths = [len(audio) for audio in arrays]
        frames, seconds_a_frame = self._frames(lengths, chances.shape[1])
        segments = []
        for row, count, audio in zip(chances, frames, batch, strict=True):
            found = list(self._read(row[:count], seconds_a_frame, len(audio) / govor.SAMPLE_RATE))
            segments.append(_segment(found, language))
        return segments

    def close(self) -> None:
        self._model.close()

    def _frames(self, lengths: list[int], longest: int) -> tuple[list[int], float]:
        """Return the number of frames of each array, at most `longest`, and a frame's length in seconds."""
        network = self._model.network
        ratio = getattr(network.config, "inputs_to_logits_ratio", None)
        if ratio and hasattr(network, "_get_feat_extract_output_lengths"):
            counts = network._get_feat_extract_output_lengths(torch.tensor(lengths)).tolist()
            return [max(1, min(count, longest)) for count in counts], ratio / govor.SAMPLE_RATE
        samples = max(lengths) / longest  # less than one frame off
        return [max(1, round(length / samples)) for length in lengths], samples / govor.SAMPLE_RATE

    def _choose_language(self, options: govor.Options) -> str | None:
        """Return the requested language, and load its adapter; the first one's if none is requested."""
        adapters = self._model.adapters
        if not adapters:
            return self._model.language
        wanted = [options.language, *options.languages]
        language = next((code for code in wanted if code in adapters), next(iter(adapters)))
        self._take_adapter(adapters[language])
        return language

    def _take_adapter(self, name: str) -> None:
        if name == self._adapter:
            return
        self._tokenizer.set_target_lang(name)
        self._model.network.load_adapter(name, force_load=True, use_safetensors=True, local_files_only=True)
        self._adapter = name

    def _read(self, row: torch.Tensor, seconds: float, duration: float) -> Iterator[govor.Token]:
        """Yield the tokens of an array's log-probabilities (frames, tokens), with frames of `seconds`."""
        best, tokens = row.max(dim=-1)
        blank, before = self._tokenizer.pad_token_id, -1
        unspoken = set(self._tokenizer.all_special_ids)
        space = getattr(self._tokenizer, "word_delimiter_token", None) or "|"
        lower = bool(getattr(self._tokenizer, "do_lower_case", False))
        spaced = True
        for frame, token in enumerate(tokens.tolist()):
            if token != before and token != blank:
                piece = self._tokenizer.convert_ids_to_tokens(token) or ""
                parts = piece == space
                if (parts and not spaced) or (not parts and token not in unspoken):
                    text = " " if parts else piece.lower() if lower else piece
                    end = min((frame + 1) * seconds, duration)
                    start = min(frame * seconds, end)
                    yield govor.Token(token, text.encode(), float(best[frame]), start, end)
                    spaced = parts
            before = token


def _segment(found: list[govor.Token], language: str | None) -> govor.Segment:
    if found and found[-1].data == b" ":
        found = found[:-1]
    return govor.segment_from_tokens(found, language=language, spaces_separate=True)
