"""Common parts of the families: a network, its folder, and the preparation of arrays. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

import govor

SHORTEST = govor.SAMPLE_RATE // 10
"""Samples. The first layers of all these networks need some hundreds; a shorter array is padded."""


class Family(Protocol):
    """One loaded network, with the code for its family."""

    takes_batches: bool
    """Whether arrays of different length in one call give the results that each gives alone."""

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[govor.Segment]:
        """Return one Segment per array, without text if nothing is said. No array is silent."""

    def close(self) -> None:
        """Give the weights' memory back."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network on its device, and its folder."""

    network: Any
    folder: Path
    languages: tuple[str, ...]
    has_code: bool = False
    """Whether it runs code of the repository's own, which the operator allowed."""
    adapters: dict[str, str] = field(default_factory=dict)
    """MMS: adapter by language."""

    @property
    def language(self) -> str | None:
        """The only language that it recognises; None: it has several."""
        return self.languages[0] if len(self.languages) == 1 else None

    def place(self, inputs: Any) -> dict[str, Any]:
        """Move tensors to the network's device, and floating-point ones to its precision."""
        dtype, device = self.network.dtype, self.network.device
        return {
            name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for name, value in inputs.items()
        }

    def load(self, kind: Any, **more: Any) -> Any:
        """Load a tokenizer, a feature extractor or a processor from the folder."""
        return kind.from_pretrained(
            self.folder, local_files_only=True, trust_remote_code=self.has_code, **more
        )

    def close(self) -> None:
        """Free the weights' memory, even if the recognizer is still referenced."""
        kind = self.network.device.type
        self.network.to("meta")
        if kind == "cuda":
            torch.cuda.empty_cache()


def lengthened(batch: Sequence[govor.Audio]) -> list[govor.Audio]:
    """Return the arrays, padded with silence if they are too short for a network."""
    return [np.pad(audio, (0, max(0, SHORTEST - len(audio)))) for audio in batch]


def chosen_logprobs(found: Any, start: int) -> torch.Tensor:
    """Return the natural log-probability of each token after `start` in `generate`'s answer, (B, tokens)."""
    columns = [
        torch.log_softmax(scores.float(), dim=-1).gather(1, found["sequences"][:, start + step, None])
        for step, scores in enumerate(found["scores"])
    ]
    return torch.cat(columns, dim=1).cpu()


def sampling(options: govor.Options) -> dict[str, Any]:
    """Return `generate`'s arguments for the requested temperature: greedy at 0."""
    if options.temperature:
        return {"do_sample": True, "temperature": options.temperature, "num_beams": 1}
    return {"do_sample": False, "num_beams": 1}
