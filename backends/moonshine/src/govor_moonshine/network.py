"""Moonshine's two graphs on onnxruntime: samples in, tokens out. The only module that imports it.

The graphs are those of `moonshine-voice`: a front end for samples, not a spectrogram, a Transformer encoder,
and a decoder with and without its cache in one file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

import govor

BEGIN, END = 1, 2
TOKENS_PER_SECOND = 6.5  # more than anybody says: a decoder that loops is stopped there, as upstream's
LEAST_SAMPLES = govor.SAMPLE_RATE // 10  # the convolutions need 900
PAST = "past_key_values."
PRESENT = "present."

Inputs = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of decoded tokens with their natural log-probabilities."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


class Network:
    """The loaded graphs. Threads may call `decode` at once."""

    def __init__(self, encoder: Path, decoder: Path, threads: int):
        """Load both, with so many threads per call. Raises LoadFailed."""
        self._encoder = _open(encoder, threads)
        self._decoder = _open(decoder, threads)
        self._outputs = [output.name for output in self._decoder.get_outputs()]
        self._nothing = {
            value.name: np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)
            for value in self._decoder.get_inputs()
            if value.name.startswith(PAST)
        }
        self.classes = int(self._decoder.get_outputs()[0].shape[-1])

    def decode(self, audio: govor.Audio) -> Found:
        """Decode (samples,) greedily."""
        heard = np.ones((1, max(len(audio), LEAST_SAMPLES)), np.int64)
        heard[0, len(audio) :] = 0
        samples = np.zeros(heard.shape, np.float32)
        samples[0, : len(audio)] = audio
        (hidden,) = self._encoder.run(None, {"input_values": samples, "attention_mask": heard})
        # the mask is that of the samples, here too: the graph reduces it to the encoder's frames itself
        constant: Inputs = {"encoder_hidden_states": hidden, "encoder_attention_mask": heard}
        most = math.ceil(len(audio) / govor.SAMPLE_RATE * TOKENS_PER_SECOND)
        return self._decode(constant, most)

    def _decode(self, constant: Inputs, most: int) -> Found:
        tokens: list[int] = []
        logprobs: list[float] = []
        past, last = dict(self._nothing), BEGIN
        while len(tokens) < most:
            step = {"input_ids": np.array([[last]]), "use_cache_branch": np.array([bool(tokens)])}
            results = self._decoder.run(None, {**constant, **past, **step})
            scores = results[0][0, -1]
            last = int(scores.argmax())
            if last == END:
                break
            tokens.append(last)
            logprobs.append(_logprob(scores, last))
            self._carry(past, results)
        return Found(tuple(tokens), tuple(logprobs))

    def _carry(self, past: Inputs, results: Sequence[NDArray[Any]]) -> None:
        """Keep the inputs of the next step; those from the encoder are outputs of the first step only."""
        for name, value in zip(self._outputs[1:], results[1:], strict=True):
            if value.shape[2] and (".decoder." in name or not past[_past(name)].shape[2]):
                past[_past(name)] = value


def _past(name: str) -> str:
    return PAST + name.removeprefix(PRESENT)


def _logprob(scores: NDArray[np.float32], token: int) -> float:
    best = scores.max()
    return min(0.0, float(scores[token] - best - np.log(np.exp(scores - best).sum())))


def _open(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # lengths differ from call to call
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no other class in common
        raise govor.LoadFailed(f"{path} cannot be loaded: {error}") from error
