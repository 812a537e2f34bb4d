"""The training set as batches. Noise, gain, colour and masks are added to the log-mel, anew each time."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from miniature.training.features import MELS, log_mel

FRAMES_A_SECOND = 100
SUBSAMPLING = 4
CHAIN_SHARE = 0.12
"""Share of utterances in chains of two to four, so that the model is trained on long audio too."""
CLEAN_SHARE = 0.15
TOP_MEL = float(np.log1p(8000 / 700))
"""The HTK scale without its factor."""


@dataclass(frozen=True)
class Batch:
    """features (B, 64, T); texts with capitals and marks; words' (start, end) frames after subsampling."""

    features: torch.Tensor
    lengths: torch.Tensor
    texts: list[str]
    words: list[list[tuple[float, float]]]


class Corpus:
    """The output of synthesise.py in some folders."""

    def __init__(self, folders: Sequence[Path], seed: int) -> None:
        self.features: list[np.ndarray] = []
        self.rows: list[dict] = []
        for folder in folders:
            self.features.append(np.load(folder / "features.npy", mmap_mode="r"))
            rows = json.loads((folder / "utterances.json").read_text(encoding="utf-8"))
            self.rows += [row | {"folder": len(self.features) - 1} for row in rows if row["words"]]
        self.rng = random.Random(seed)
        self.noises = [log_mel(noise) for noise in noises(np.random.default_rng(seed))]

    def epoch(self, batch_seconds: float) -> Iterator[Batch]:
        """Yield every utterance once, in batches of about equal length and random order."""
        chains = self._chains()
        chains.sort(key=lambda chain: self._frames(chain) * self.rng.uniform(0.9, 1.1))
        packs: list[list[list[int]]] = [[]]
        for chain in chains:
            longest = max(self._frames(other) for other in [*packs[-1], chain])
            if packs[-1] and longest * (len(packs[-1]) + 1) > batch_seconds * FRAMES_A_SECOND:
                packs.append([])
            packs[-1].append(chain)
        self.rng.shuffle(packs)
        for pack in packs:
            yield self._batch(pack)

    def _chains(self) -> list[list[int]]:
        order = list(range(len(self.rows)))
        self.rng.shuffle(order)
        chains: list[list[int]] = []
        while order:
            count = self.rng.randint(2, 4) if self.rng.random() < CHAIN_SHARE / 3 else 1
            chains.append(order[:count])
            del order[:count]
        return chains

    def _frames(self, chain: list[int]) -> int:
        return sum(self.rows[index]["frames"] for index in chain)

    def _batch(self, pack: list[list[int]]) -> Batch:
        lengths = [self._frames(chain) for chain in pack]
        features = np.zeros((len(pack), max(lengths), MELS), np.float32)
        texts, words = [], []
        for row, chain in enumerate(pack):
            utterances = [self.rows[index] for index in chain]
            parts = [self.features[u["folder"]][u["first"] : u["first"] + u["frames"]] for u in utterances]
            features[row, : lengths[row]] = self._augment(np.concatenate(parts).astype(np.float32))
            texts.append(" ".join(u["text"] for u in utterances))
            starts = np.cumsum([0, *(u["frames"] for u in utterances)])
            scale = FRAMES_A_SECOND / SUBSAMPLING
            words.append(
                [
                    (start * scale + first / SUBSAMPLING, end * scale + first / SUBSAMPLING)
                    for u, first in zip(utterances, starts, strict=False)
                    for start, end in u["words"]
                ]
            )
        turned = torch.from_numpy(features).transpose(1, 2).contiguous()
        return Batch(turned, torch.tensor(lengths), texts, words)

    def _augment(self, features: np.ndarray) -> np.ndarray:
        rng = self.rng
        features = chunk(features, rng.uniform(0.88, 1.14))
        tilt = np.linspace(-1, 1, MELS) * rng.uniform(-1.5, 1.5)
        features = features + tilt + rng.uniform(-3.5, 1.4)  # the constant is a gain of -15 to +6 dB
        if rng.random() > CLEAN_SHARE:
            noise = rng.choice(self.noises)
            first = rng.randrange(len(noise))
            level = 2 * np.log(10) * rng.uniform(-4, -2)
            heard = np.take(noise, range(first, first + len(features)), axis=0, mode="wrap")
            features = np.logaddexp(features, heard + level)
        mean = features.mean()
        for _ in range(rng.randint(0, 2)):
            width = rng.randint(1, 10)
            band = rng.randrange(MELS - width)
            features[:, band : band + width] = mean
        for _ in range(rng.randint(0, 2 + len(features) // 200)):
            first = rng.randrange(len(features))
            features[first : first + rng.randint(1, 8)] = mean
        return np.maximum(features, np.log(1e-9))


def chunk(features: np.ndarray, factor: float) -> np.ndarray:
    """Move each frequency to `factor` times it, as a shorter or longer vocal tract does."""
    hertz = 700 * (np.exp(np.arange(1, MELS + 1) * TOP_MEL / (MELS + 1)) - 1)
    bands = np.log1p(hertz / factor / 700) * (MELS + 1) / TOP_MEL - 1
    bands = bands.clip(0, MELS - 1.001)
    below = bands.astype(int)
    part = (bands - below).astype(np.float32)
    return features[:, below] * (1 - part) + features[:, below + 1] * part


def noises(rng: np.random.Generator) -> list[np.ndarray]:
    """Return 20 s each of white, pink and brown noise with a standard deviation of 1."""
    count = 20 * 16_000
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.arange(len(spectrum)) + 400.0  # bins of 1/20 Hz: flat below 20 Hz
    made = [np.fft.irfft(spectrum / frequency**power, count) for power in (0, 0.5, 1)]
    return [(noise / noise.std()).astype(np.float32) for noise in made]
