"""Self-attention of the Conformer in its two kinds, rotary (v2, v3, multilingual) and relative.

The checkpoint states which kind it needs.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Positions: TypeAlias = tuple[Tensor, ...]
"""Result of `rotary_positions` or `relative_positions`."""


class Attention(nn.Module):
    """Base of both kinds: projections and heads."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """(B, T', d_model) to (B, heads, T', d_model / heads)."""
        count, frames, _ = x.shape
        return x.reshape(count, frames, self.heads, -1).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """Mix the frames of `v`; `mask` says which of them count, or is added to the scores."""
        x = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.linear_out(x.transpose(1, 2).flatten(2))
        return out


class RotaryAttention(Attention):
    """Positions rotate the input of the query and key projections, not their output."""

    def forward(self, x: Tensor, positions: Positions, present: Tensor) -> Tensor:
        turned = _turn(self.split(x), *positions).transpose(1, 2).flatten(2)
        q, k, v = self.linear_q(turned), self.linear_k(turned), self.linear_v(x)
        return self.attend(self.split(q), self.split(k), self.split(v), present[:, None, None, :])


class RelativeAttention(Attention):
    """Scores of content and of distance, as in Transformer-XL (arXiv 1901.02860, section 3.3)."""

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.zeros(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.zeros(heads, width // heads))

    def forward(self, x: Tensor, positions: Positions, present: Tensor) -> Tensor:
        q, k, v = (self.split(part(x)) for part in (self.linear_q, self.linear_k, self.linear_v))
        distances = self.split(self.linear_pos(positions[0].to(x.dtype)))
        by_content = q + self.pos_bias_u[:, None]
        by_distance = _align((q + self.pos_bias_v[:, None]) @ distances.transpose(-2, -1))
        scores = by_distance / math.sqrt(q.shape[-1])
        absent = ~present[:, None, None, :]
        return self.attend(by_content, k, v, scores.masked_fill(absent, -torch.inf).to(q.dtype))


def rotary_positions(frames: int, width: int, base: float, device: torch.device) -> Positions:
    """Return cosines and sines, each (frames, width); the two halves of `width` are equal."""
    speeds = 1.0 / base ** (torch.arange(0, width, 2, device=device).float() / width)
    angles = torch.outer(torch.arange(frames, device=device).float(), speeds).repeat(1, 2)
    return angles.cos(), angles.sin()


def relative_positions(frames: int, width: int, device: torch.device) -> Positions:
    """Return (1, 2 * frames - 1, width): waves of the distances frames - 1 ... 1 - frames."""
    distances = torch.arange(frames - 1, -frames, -1, device=device).float()
    speeds = torch.exp(torch.arange(0, width, 2, device=device).float() * (-math.log(10_000.0) / width))
    angles = torch.outer(distances, speeds)
    return (torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).unsqueeze(0),)


def _turn(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotate each pair (i, i + width / 2) of the last dimension by its angle."""
    first, second = x.chunk(2, dim=-1)
    return x * cosines.to(x.dtype) + torch.cat((-second, first), dim=-1) * sines.to(x.dtype)


def _align(x: Tensor) -> Tensor:
    """Shift row i left by T' - 1 - i: (B, heads, T', 2 T' - 1) by distance to (B, heads, T', T') by frame."""
    count, heads, frames, distances = x.shape
    x = functional.pad(x, (1, 0)).reshape(count, heads, -1, frames)  # rows of T' across rows of 2 T'
    return x[:, :, 1:].reshape(count, heads, frames, distances)[..., :frames]
