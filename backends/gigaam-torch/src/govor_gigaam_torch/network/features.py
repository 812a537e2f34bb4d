"""Log-mel features of both generations, from raw audio, on any device.

The formula is torchaudio's MelSpectrogram as upstream configures it: periodic Hann window, power
spectrum, 64 triangular filters on the HTK scale from 0 to 8000 Hz without norm, ln(clamp(x, 1e-9, 1e9)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from govor import SAMPLE_RATE

FLOOR, CEILING = 1e-9, 1e9


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """Sizes in samples. Named as in the checkpoints' table `preprocessor`; the defaults are v2."""

    features: int = 64
    """Mel bands."""
    n_fft: int = 400
    win_length: int = 400
    hop_length: int = 160
    center: bool = True
    """Whether frame i is centred on sample i * hop_length of the reflected audio; else it begins there."""

    @property
    def shortest(self) -> int:
        """Samples of one frame; shorter audio is padded with zeros."""
        return self.n_fft // 2 + 1 if self.center else self.n_fft


V2 = FeatureConfig()
V3 = FeatureConfig(n_fft=320, win_length=320, center=False)
"""v3 and multilingual."""


class LogMel:
    """Computes in float64, so that quiet bands beside loud ones are exact too; gives float32."""

    def __init__(self, config: FeatureConfig, window: Tensor, filters: Tensor, device: torch.device):
        """Take window (win_length,) and filters (n_fft / 2 + 1, features), as a checkpoint holds them."""
        self.config = config
        self._device = device
        self._window = window.to(device, torch.float64)
        self._filters = filters.to(device, torch.float64).T

    def __call__(self, batch: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return features (B, mels, T), zero beyond each length, and lengths (B,), for arrays (samples,)."""
        frames = [self._frames(audio) for audio in batch]
        lengths = torch.tensor([len(each) for each in frames], device=self._device)
        return pad_sequence(frames, batch_first=True).transpose(1, 2), lengths

    def _frames(self, audio: Tensor) -> Tensor:
        """Return (frames, mels) float32 of one array: padding a batch first would change its last frames."""
        config = self.config
        samples = audio.to(self._device, torch.float64)
        samples = torch.nn.functional.pad(samples, (0, max(0, config.shortest - len(samples))))
        spectrum = torch.stft(
            samples,
            config.n_fft,
            config.hop_length,
            config.win_length,
            self._window,
            center=config.center,
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return (self._filters @ power).clamp(FLOOR, CEILING).log().T.float()


def make_window(config: FeatureConfig) -> Tensor:
    """Return the periodic Hann window (win_length,) float64, of v3 as its checkpoints hold it."""
    return _as_published(torch.hann_window(config.win_length, dtype=torch.float64), config)


def make_filters(config: FeatureConfig) -> Tensor:
    """Return the mel filters (n_fft / 2 + 1, features) float64, of v3 as its checkpoints hold them."""
    half = SAMPLE_RATE // 2
    bins = torch.linspace(0, half, config.n_fft // 2 + 1, dtype=torch.float64)
    corners = _hertz(torch.linspace(0, _mel(half), config.features + 2, dtype=torch.float64))
    widths = corners.diff()
    rising = (bins[:, None] - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - bins[:, None]) / widths[1:]
    return _as_published(torch.minimum(rising, falling).clamp(min=0), config)


def _as_published(values: Tensor, config: FeatureConfig) -> Tensor:
    """Round to bfloat16 for v3 and multilingual, whose front end was trained in it."""
    return values if config.center else values.float().bfloat16().double()


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


def _hertz(mel: Tensor) -> Tensor:
    hertz: Tensor = 700 * (10 ** (mel / 2595) - 1)
    return hertz
