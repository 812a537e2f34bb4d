"""Audio as every model gets it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Samples per second of every `Audio`."""

Audio: TypeAlias = NDArray[np.float32]
"""(samples,) mono at 16 kHz, -1..1. Receivers must not change it."""
