"""The two heads of GigaAM: CTC, and RNN-T with its predictor and joiner.

Layout: encoded (B, d_model, T'), as the encoder returns it. The blank is the last class.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

State: TypeAlias = tuple[Tensor, Tensor]
"""Hidden and cell state of the predictor, each (layers, B, pred_hidden)."""


class CTCHead(nn.Module):
    def __init__(self, width: int, num_classes: int):
        super().__init__()
        self.num_classes = num_classes
        self.decoder_layers = nn.Sequential(nn.Conv1d(width, num_classes, 1))

    def forward(self, encoded: Tensor) -> Tensor:
        """Return log-probabilities (B, T', num_classes)."""
        log_probs: Tensor = self.decoder_layers(encoded).transpose(1, 2).log_softmax(dim=-1)
        return log_probs


class RNNTHead(nn.Module):
    def __init__(
        self, width: int, num_classes: int, pred_hidden: int, pred_rnn_layers: int, joint_hidden: int
    ):
        super().__init__()
        self.num_classes = num_classes
        self.decoder = Predictor(num_classes, pred_hidden, pred_rnn_layers)
        self.joint = Joiner(width, num_classes, pred_hidden, joint_hidden)

    def forward(self, encoded: Tensor, tokens: Tensor) -> Tensor:
        """Return logits (B, T', U + 1, num_classes), not normalised, for tokens (B, U).

        Entry u is the output after the first u tokens; transducer losses take this form.
        """
        start = tokens.new_full((len(tokens), 1), self.num_classes - 1)
        predicted, _ = self.decoder(torch.cat((start, tokens), dim=1))
        by_frame = self.joint.enc(encoded.transpose(1, 2))
        logits: Tensor = self.joint(by_frame.unsqueeze(2), self.joint.pred(predicted).unsqueeze(1))
        return logits


class Predictor(nn.Module):
    """An LSTM over the tokens so far. The blank's embedding is zero: as a token it means the beginning."""

    def __init__(self, num_classes: int, hidden: int, layers: int):
        super().__init__()
        self.embed = nn.Embedding(num_classes, hidden, padding_idx=num_classes - 1)
        self.lstm = nn.LSTM(hidden, hidden, layers)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return (B, U, hidden) and the state after tokens (B, U); `state` None is the zero state."""
        out, after = self.lstm(self.embed(tokens).transpose(0, 1), state)
        return out.transpose(0, 1), after


class Joiner(nn.Module):
    """Sums the encoder's and the predictor's outputs; `enc` projects a frame, `pred` a prediction."""

    def __init__(self, width: int, num_classes: int, pred_hidden: int, hidden: int):
        super().__init__()
        self.pred = nn.Linear(pred_hidden, hidden)
        self.enc = nn.Linear(width, hidden)
        self.joint_net = nn.Sequential(nn.ReLU(), nn.Linear(hidden, num_classes))

    def forward(self, by_frame: Tensor, by_token: Tensor) -> Tensor:
        """Return logits (..., num_classes) of two projections (..., hidden) that broadcast."""
        logits: Tensor = self.joint_net(by_frame + by_token)
        return logits
