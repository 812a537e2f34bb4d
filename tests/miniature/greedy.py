"""Greedy decoding in torch with the frame of every token: one utterance at a time, the plain way."""

from __future__ import annotations

import numpy as np
import torch

from govor_gigaam_torch.model import GigaAM
from miniature.features import SAMPLE_RATE, log_mel
from miniature.tokens import Tokens

MAX_SYMBOLS = 10

Emitted = list[tuple[int, int]]
"""Tokens and their frames."""


@torch.no_grad()
def recognise(model: GigaAM, tokens: Tokens, samples: np.ndarray) -> tuple[str, list[tuple[float, float]]]:
    """Return the text, and each word's start and end by upstream's rule: first frame, last frame + 1."""
    features = torch.from_numpy(log_mel(samples)).T[None]
    encoded, lengths = model.encoder(features, torch.tensor([features.shape[2]]))
    if hasattr(model.head, "joint"):
        emitted = rnnt(model, encoded[0].T, tokens.blank)
    else:
        emitted = ctc(model.head(encoded)[0].argmax(-1).tolist(), tokens.blank)
    seconds = len(samples) / SAMPLE_RATE / int(lengths[0])
    ids = [token for token, _ in emitted]
    words: list[tuple[float, float]] = []
    for index, (token, frame) in enumerate(emitted):
        if tokens.text([token]) == "":
            continue
        if tokens.starts_word(ids, index) or not words:
            words.append((frame * seconds, (frame + 1) * seconds))
        else:
            words[-1] = (words[-1][0], (frame + 1) * seconds)
    return tokens.text(ids), words


def ctc(best: list[int], blank: int) -> Emitted:
    return [
        (token, frame)
        for frame, (token, before) in enumerate(zip(best, [blank, *best], strict=False))
        if token not in (before, blank)
    ]


def rnnt(model: GigaAM, encoded: torch.Tensor, blank: int) -> Emitted:
    """`encoded` is (T', d_model)."""
    emitted: Emitted = []
    predictor, joiner = model.head.decoder, model.head.joint
    predicted, state = predictor(torch.tensor([[blank]]))
    for frame, by_frame in enumerate(joiner.enc(encoded)):
        for _ in range(MAX_SYMBOLS):
            token = int(joiner(by_frame, joiner.pred(predicted[0, 0])).argmax())
            if token == blank:
                break
            emitted.append((token, frame))
            predicted, state = predictor(torch.tensor([[token]]), state)
    return emitted
