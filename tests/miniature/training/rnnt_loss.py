"""The RNN-T loss in torch: a forward pass in log space over the anti-diagonals, gradients by autograd.

The recursion is that of Graves 2012 (arXiv 1211.3711, section 2.4).
"""

from __future__ import annotations

import torch
from torch import Tensor

IMPOSSIBLE = -1e30


def rnnt_loss(
    log_probs: Tensor, tokens: Tensor, frames: Tensor, counts: Tensor, windows: Tensor | None = None
) -> Tensor:
    """Return the negative log-probability of each utterance, (B,).

    log_probs (B, T, U+1, V) with the blank last; tokens (B, U); frames and counts (B,) are true lengths.
    `windows` (B, U, 2), where given, are the first and last frame in which each token may be emitted.
    """
    batch, steps, states, _ = log_probs.shape
    blank = log_probs[..., -1]
    label = log_probs[:, :, :-1].gather(3, tokens[:, None, :, None].expand(-1, steps, -1, 1)).squeeze(3)
    if windows is not None:
        frame = torch.arange(steps)[None, :, None]
        outside = (frame < windows[:, None, :, 0]) | (frame > windows[:, None, :, 1])
        label = label.masked_fill(outside, IMPOSSIBLE)
    blank, label = skew(blank), skew(label)
    start = torch.full((batch, states), IMPOSSIBLE)
    start[:, 0] = 0
    diagonals = [start]
    wall = torch.full((batch, 1), IMPOSSIBLE)
    for step in range(1, steps + states - 1):
        last = diagonals[-1]
        waited = last + blank[:, step - 1]
        emitted = torch.cat([wall, last[:, :-1] + label[:, step - 1]], dim=1)
        diagonals.append(torch.logaddexp(waited, emitted))
    ends = frames - 1 + counts
    row = torch.arange(batch)
    reached = torch.stack(diagonals, dim=1)[row, ends, counts]
    return -(reached + blank[row, ends, counts])


def skew(values: Tensor) -> Tensor:
    """Return (B, T+U, U) whose row d holds values[t, u] with t + u = d, IMPOSSIBLE elsewhere."""
    batch, steps, states = values.shape
    frame = torch.arange(steps + states)[:, None] - torch.arange(states)[None, :]
    inside = (frame >= 0) & (frame < steps)
    index = frame.clamp(0, steps - 1).expand(batch, -1, -1)
    return values.gather(1, index).masked_fill(~inside, IMPOSSIBLE)
