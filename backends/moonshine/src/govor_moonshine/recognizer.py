"""One loaded Moonshine model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import govor
from govor_moonshine.catalogue import DECODER, ENCODER, VOCABULARY
from govor_moonshine.network import Network
from govor_moonshine.vocabulary import read_vocabulary

QUIET = 1e-3  # of full scale. For silence the model writes "You", as for a word that it did not recognise


def load_recognizer(folder: Path, runtime: govor.RuntimeOptions) -> MoonshineRecognizer:
    """Load the model in `folder`. Raises LoadFailed: no such device or precision, or a damaged file."""
    if runtime.device not in ("auto", "cpu"):
        raise govor.LoadFailed(f"Moonshine cannot run on '{runtime.device}': use device 'cpu' or 'auto'.")
    if runtime.precision not in ("auto", "int8"):
        raise govor.LoadFailed(
            f"Moonshine cannot be had in '{runtime.precision}': its weights are int8: say 'auto' or 'int8'."
        )
    threads = runtime.threads or 1
    workers = runtime.workers or max(1, govor.usable_cores() // threads)
    network = Network(folder / ENCODER, folder / DECODER, threads)
    vocabulary = read_vocabulary(folder / VOCABULARY)
    if len(vocabulary) != network.classes:
        raise govor.LoadFailed(
            f"{folder / VOCABULARY} has {len(vocabulary)} tokens, but {DECODER} tells {network.classes} "
            "apart: the two are of different models."
        )
    reached = replace(runtime, device="cpu", precision="int8", threads=threads, workers=workers)
    return MoonshineRecognizer(network, vocabulary, reached)


class MoonshineRecognizer:
    """A loaded model; all calls share the weights."""

    def __init__(self, network: Network, vocabulary: govor.Vocabulary, runtime: govor.RuntimeOptions):
        self.info = govor.RecognizerInfo(runtime, parallel=runtime.workers)
        self._network = network
        self._vocabulary = vocabulary

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[list[govor.Segment]]:
        """Return at most one segment per array, without times: the model gives none."""
        return [self._transcribe(audio) for audio in batch]

    def close(self) -> None:
        del self._network

    def _transcribe(self, audio: govor.Audio) -> list[govor.Segment]:
        if np.abs(audio).max(initial=0.0) < QUIET:
            return []
        found = self._network.decode(audio)
        segment = self._vocabulary.segment(found.tokens, found.logprobs, language="en")
        return [segment] if segment.text else []
