"""GigaAM in torch: a Conformer encoder with a CTC or an RNN-T head, one class for every size.

Parameters are named as in the published checkpoints, so that their state dicts load as they are. Knows
nothing of audio, files or text.

Layout: features (B, mels, T) float32 log-mel; encoded (B, d_model, T'), T' = T / 4 rounded up; lengths (B,)
integers. Frames beyond an utterance's length never reach those within it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from govor_gigaam_torch.network.attention import (
    Positions,
    RelativeAttention,
    RotaryAttention,
    relative_positions,
    rotary_positions,
)
from govor_gigaam_torch.network.heads import CTCHead, RNNTHead


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Fields, names and defaults are those of the table `encoder` in the checkpoints; the defaults are v2."""

    feat_in: int = 64
    """Mel bands."""
    n_layers: int = 16
    d_model: int = 768
    n_heads: int = 16
    subsampling: Literal["conv1d", "conv2d"] = "conv2d"
    subs_kernel_size: int = 3
    subsampling_factor: int = 4
    ff_expansion_factor: int = 4
    self_attention_model: Literal["rotary", "rel_pos"] = "rotary"
    pos_emb_max_len: int = 5000
    """Base of the rotary angles; its name is that of the length limit that upstream uses for it."""
    conv_kernel_size: int = 31
    conv_norm_type: Literal["batch_norm", "layer_norm"] = "batch_norm"

    def __post_init__(self) -> None:
        if self.n_heads < 1 or self.d_model % (2 * self.n_heads):
            raise ValueError(f"{self.d_model} dimensions make no {self.n_heads} heads of an even width")


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """The head that turns encoded frames into tokens. The sizes apply to "rnnt"."""

    kind: Literal["ctc", "rnnt"]
    num_classes: int
    """Tokens and the blank, which is the last."""
    pred_hidden: int = 320
    pred_rnn_layers: int = 1
    joint_hidden: int = 320


V2 = EncoderConfig()
V3 = EncoderConfig(subsampling="conv1d", subs_kernel_size=5, conv_kernel_size=5, conv_norm_type="layer_norm")
"""v3 and multilingual."""
MULTILINGUAL_LARGE = replace(V3, n_layers=24, d_model=1024)


class GigaAM(nn.Module):
    """An encoder and its head: `model.encoder(features, lengths)`, then `model.head(encoded, ...)`."""

    def __init__(self, encoder: EncoderConfig, head: HeadConfig):
        super().__init__()
        self.encoder = Encoder(encoder)
        self.head: CTCHead | RNNTHead
        if head.kind == "ctc":
            self.head = CTCHead(encoder.d_model, head.num_classes)
        else:
            self.head = RNNTHead(
                encoder.d_model, head.num_classes, head.pred_hidden, head.pred_rnn_layers, head.joint_hidden
            )

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return encoded (B, d_model, T') and its lengths (B,), of the dtype of `lengths`."""
        encoded, lengths = self.encoder(features, lengths)
        return encoded, lengths


class Encoder(nn.Module):
    """Log-mel features (B, mels, T) to encoded frames (B, d_model, T')."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.pre_encode = Subsampling(config)
        self.layers = nn.ModuleList(ConformerLayer(config) for _ in range(config.n_layers))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.pre_encode(features, lengths)
        positions = self._positions(x.shape[1], x.device)
        present = _present(x.shape[1], lengths)
        for layer in self.layers:
            x = layer(x, positions, present)
        return x.transpose(1, 2), lengths

    def _positions(self, frames: int, device: torch.device) -> Positions:
        config = self.config
        if config.self_attention_model == "rotary":
            width = config.d_model // config.n_heads
            return rotary_positions(frames, width, config.pos_emb_max_len, device)
        return relative_positions(frames, config.d_model, device)


class Subsampling(nn.Module):
    """Strided convolutions, each halving the number of frames: (B, mels, T) to (B, T', d_model)."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.flat = config.subsampling == "conv1d"
        kernel, width = config.subs_kernel_size, config.d_model
        channels, bands = (config.feat_in, 1) if self.flat else (1, config.feat_in)
        convolution = nn.Conv1d if self.flat else nn.Conv2d
        stages: list[nn.Module] = []
        for _ in range(round(math.log2(config.subsampling_factor))):
            stages += [convolution(channels, width, kernel, stride=2, padding=kernel // 2), nn.ReLU()]
            channels, bands = width, (bands + 1) // 2
        self.conv = nn.Sequential(*stages)
        if not self.flat:
            self.out = nn.Linear(width * bands, width)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = features if self.flat else features.transpose(1, 2).unsqueeze(1)  # time is dimension 2 in both
        x = _silence(x, lengths)
        for stage in self.conv:
            x = stage(x)
            if not isinstance(stage, nn.ReLU):
                lengths = (lengths + 1) // 2
                x = _silence(x, lengths)
        x = x.transpose(1, 2)
        return (x if self.flat else self.out(x.flatten(2))), lengths


class ConformerLayer(nn.Module):
    """Half a feed-forward step, attention, convolution, the other half; (B, T', d_model) both ways."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        width, hidden = config.d_model, config.d_model * config.ff_expansion_factor
        attention = RotaryAttention if config.self_attention_model == "rotary" else RelativeAttention
        self.norm_feed_forward1 = nn.LayerNorm(width)
        self.feed_forward1 = FeedForward(width, hidden)
        self.norm_self_att = nn.LayerNorm(width)
        self.self_attn = attention(width, config.n_heads)
        self.norm_conv = nn.LayerNorm(width)
        self.conv = Convolution(width, config.conv_kernel_size, config.conv_norm_type)
        self.norm_feed_forward2 = nn.LayerNorm(width)
        self.feed_forward2 = FeedForward(width, hidden)
        self.norm_out = nn.LayerNorm(width)

    def forward(self, x: Tensor, positions: Positions, present: Tensor) -> Tensor:
        x = x + 0.5 * self.feed_forward1(self.norm_feed_forward1(x))
        x = x + self.self_attn(self.norm_self_att(x), positions, present)
        x = x + self.conv(self.norm_conv(x), present)
        x = x + 0.5 * self.feed_forward2(self.norm_feed_forward2(x))
        out: Tensor = self.norm_out(x)
        return out


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear2(functional.silu(self.linear1(x)))
        return out


class Convolution(nn.Module):
    """Gate, depthwise convolution over time, norm, SiLU, projection."""

    def __init__(self, width: int, kernel: int, norm: Literal["batch_norm", "layer_norm"]):
        super().__init__()
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise_conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        # Both kinds of norm have this name in the checkpoints.
        self.batch_norm = nn.BatchNorm1d(width) if norm == "batch_norm" else nn.LayerNorm(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        x = functional.glu(self.pointwise_conv1(x.transpose(1, 2)), dim=1)
        x = self.depthwise_conv(x.masked_fill(~present.unsqueeze(1), 0.0))
        if isinstance(self.batch_norm, nn.LayerNorm):
            x = self.batch_norm(x.transpose(1, 2)).transpose(1, 2)
        else:
            x = self.batch_norm(x)
        x = self.pointwise_conv2(functional.silu(x))
        return x.transpose(1, 2)


def _present(frames: int, lengths: Tensor) -> Tensor:
    """Return (B, frames) bool: True within an utterance's length."""
    return torch.arange(frames, device=lengths.device) < lengths.unsqueeze(1)


def _silence(x: Tensor, lengths: Tensor) -> Tensor:
    """Zero the frames beyond each length, like the padding of a convolution; time is dimension 2."""
    absent = ~_present(x.shape[2], lengths).unsqueeze(1)
    return x.masked_fill(absent if x.dim() == 3 else absent.unsqueeze(-1), 0.0)
