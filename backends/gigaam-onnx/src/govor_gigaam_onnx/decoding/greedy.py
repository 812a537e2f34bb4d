"""Greedy decoding, CTC and RNN-T: from an encoder's output to tokens, frames and log-probabilities.

Knows nothing of files, vocabularies or onnxruntime.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Decoded tokens; the three lists have the same length."""

    tokens: list[int]
    """Ids, blanks excluded."""
    frames: list[int]
    """The encoder frame at which each was emitted."""
    logprobs: list[float]
    """Natural, over all classes, at that frame."""


class Transducer(Protocol):
    """Predictor and joiner of an RNN-T. The last class is the blank; a recording begins as if after one."""

    blank: int

    def listen(self, encoded: Floats) -> Iterable[Floats]:
        """Turn the encoder's (frames, channels) into the inputs of `join`, frame by frame."""
        ...

    def predict(self, token: int, state: Any) -> tuple[Floats, Any]:
        """Return the prediction after a token, for `join`, and the new state; `state` None: the beginning."""
        ...

    def join(self, frame: Floats, prediction: Floats) -> Floats:
        """Return (classes,) scores, logarithmic up to a constant. Valid until the next call."""
        ...


def decode_ctc(log_probs: Floats) -> Hypothesis:
    """Decode (frames, classes), the last class the blank. Of a token's run the first frame counts."""
    blank = log_probs.shape[1] - 1
    best = log_probs.argmax(axis=1)
    begins = np.diff(best, prepend=blank) != 0
    frames = np.flatnonzero(begins & (best != blank))
    tokens = best[frames]
    return Hypothesis(tokens.tolist(), frames.tolist(), log_probs[frames, tokens].tolist())


def decode_transducer(encoded: Floats, transducer: Transducer, max_symbols: int) -> Hypothesis:
    """Decode (frames, channels), with at most `max_symbols` tokens per frame."""
    found = Hypothesis([], [], [])
    prediction, state = transducer.predict(transducer.blank, None)
    for place, frame in enumerate(transducer.listen(encoded)):
        for _ in range(max_symbols):
            scores = transducer.join(frame, prediction)
            token = int(scores.argmax())
            if token == transducer.blank:
                break
            found.tokens.append(token)
            found.frames.append(place)
            found.logprobs.append(-float(np.log(np.exp(scores - scores[token]).sum())))
            prediction, state = transducer.predict(token, state)
    return found
