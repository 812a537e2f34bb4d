"""Log-mel features of GigaAM v3 for arrays of samples, by the torch plugin's front end."""

from __future__ import annotations

import numpy as np
import torch

from govor_gigaam_torch.network.features import V3, LogMel, make_filters, make_window

SAMPLE_RATE = 16_000
HOP, MELS = V3.hop_length, V3.features

_front_end = LogMel(V3, make_window(V3), make_filters(V3), torch.device("cpu"))


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Return (frames, 64) float32 of (samples,) at 16 kHz; at least 320 samples."""
    features, _ = _front_end([torch.from_numpy(samples)])
    return features[0].T.numpy()
