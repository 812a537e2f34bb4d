"""Files for the tests of decoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decode import Recording
from govor.audio.decoders import Decoders
from govor.types import Audio


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Put bytes into a file without a suffix."""

    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def decode(decoders: Decoders, write: Callable[[bytes], Path]) -> Callable[[bytes], Audio]:
    """Decode a recording, whole."""

    def decode(content: bytes) -> Audio:
        with Recording(write(content), decoders) as recording:
            return np.concatenate(list(recording.blocks()))

    return decode
