"""Greedy decoding of both heads: tokens with their frames and probabilities. Knows nothing of text.

The rules are upstream's: its torch code and this code write the same tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from govor_gigaam_torch.network.heads import RNNTHead


@dataclass(frozen=True, slots=True)
class Emission:
    """One token of the result."""

    token: int
    frame: int
    """Encoder frame at which it was emitted; for CTC the first frame of a run."""
    logprob: float
    """Natural, of this token at this frame."""


def decode_ctc(log_probs: Tensor, lengths: Tensor) -> list[list[Emission]]:
    """Take the best class of each frame, one token per run, and drop blanks.

    `log_probs` (B, T', V) normalised, the blank last; `lengths` (B,).
    """
    blank = log_probs.shape[-1] - 1
    best, tokens = log_probs.max(dim=-1)
    before = functional.pad(tokens[:, :-1], (1, 0), value=blank)
    present = torch.arange(tokens.shape[1], device=tokens.device) < lengths.unsqueeze(1)
    rows, frames = ((tokens != blank) & (tokens != before) & present).nonzero(as_tuple=True)
    return _by_utterance(len(lengths), rows, tokens[rows, frames], frames, best[rows, frames])


class GreedyRNNT:
    """Takes the best class repeatedly, and the next frame at a blank or after `max_symbols` tokens.

    The predictor runs as plain products here, with the input side of its first layer looked up by token: on
    one CPU thread nn.LSTM takes 1.2 ms a step, this 0.06.
    """

    def __init__(self, head: RNNTHead, max_symbols: int):
        self._joint = head.joint
        self._blank = head.num_classes - 1
        self._max_symbols = max_symbols
        weights = head.decoder.lstm.all_weights
        self._layers = [(of_input.T, of_hidden.T, a + b) for of_input, of_hidden, a, b in weights]
        self._by_token = head.decoder.embed.weight @ self._layers[0][0] + self._layers[0][2]

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[list[Emission]]:
        """Decode `encoded` (B, d_model, T') of `lengths` (B,), all utterances together, frame by frame."""
        frames = self._joint.enc(encoded.transpose(1, 2))
        state = self._begin(len(lengths))
        steps: list[tuple[Tensor, Tensor, Tensor]] = []
        step_frames: list[int] = []
        for frame in range(int(lengths.max())):
            going = frame < lengths
            for _ in range(self._max_symbols):
                best, tokens = self._joint(frames[:, frame], state[0]).log_softmax(dim=-1).max(dim=-1)
                going = going & (tokens != self._blank)
                if not going.any():
                    break
                steps.append((going, tokens, best))
                step_frames.append(frame)
                after = self._predict(tokens, *state[1:])
                state = tuple(torch.where(going[:, None], *pair) for pair in zip(after, state, strict=True))
        if not steps:
            return [[] for _ in lengths]
        emitted, tokens, best = (torch.stack(column) for column in zip(*steps, strict=True))
        step, rows = emitted.nonzero(as_tuple=True)
        at = torch.tensor(step_frames, device=step.device)[step]
        return _by_utterance(len(lengths), rows, tokens[step, rows], at, best[step, rows])

    def _begin(self, count: int) -> tuple[Tensor, ...]:
        """Return the state before the first token, which is the state after a blank."""
        tokens = torch.full((count,), self._blank, device=self._by_token.device)
        zeros = self._by_token.new_zeros(len(self._layers), count, self._joint.pred.in_features)
        return self._predict(tokens, zeros, zeros)

    def _predict(self, tokens: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, ...]:
        """Return the joiner's projection (B, joint_hidden), and the states (layers, B, pred_hidden)."""
        hiddens: list[Tensor] = []
        cells: list[Tensor] = []
        for layer, (of_input, of_hidden, bias) in enumerate(self._layers):
            given = hiddens[-1] @ of_input + bias if layer else self._by_token[tokens]
            write, keep, new, show = (given + hidden[layer] @ of_hidden).chunk(4, dim=-1)
            cells.append(keep.sigmoid() * cell[layer] + write.sigmoid() * new.tanh())
            hiddens.append(show.sigmoid() * cells[-1].tanh())
        return self._joint.pred(hiddens[-1]), torch.stack(hiddens), torch.stack(cells)


def _by_utterance(
    count: int, rows: Tensor, tokens: Tensor, frames: Tensor, logprobs: Tensor
) -> list[list[Emission]]:
    """Sort emissions in order of time into one list per utterance."""
    emissions: list[list[Emission]] = [[] for _ in range(count)]
    columns = (rows.tolist(), tokens.tolist(), frames.tolist(), logprobs.tolist())
    for row, token, frame, logprob in zip(*columns, strict=True):
        emissions[row].append(Emission(token, frame, logprob))
    return emissions
