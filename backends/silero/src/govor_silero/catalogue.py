"""The models on offer: the versions of Silero's network that installed distributions hold. Pure data."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from govor import ModelFile, ModelKind, ModelSpec

SIZE = 1_250_000
"""Bytes of a network's file, about."""

MEMORY = 6_000_000
"""Bytes of a loaded network, measured at its second load: the first one imports the libraries too."""


class Packaged(NamedTuple):
    """A network in a distribution. Its files have no checksum: pip has installed what the package holds."""

    model: str
    path: str
    """Path in the distribution's list of files."""
    description: str


# faster-whisper's first: it is in the default install, and then its regions are Govor's own.
PACKAGED = {
    "faster-whisper": Packaged(
        "silero-v6",
        "faster_whisper/assets/silero_vad_v6.onnx",
        "Silero VAD 6 for Whisper: faster-whisper's regions of speech",
    ),
    "silero-vad": Packaged(
        "silero-v6-16k",
        "silero_vad/data/silero_vad_16k_sequence.onnx",
        "Silero VAD 6.2 for sequences",
    ),
}


def specs(weights: str) -> tuple[ModelSpec, ...]:
    """Return the models for "auto", the name of a distribution, or the path of an .onnx file."""
    if weights.endswith(".onnx"):
        path = Path(weights).expanduser().absolute()
        return (_spec("silero-own", path.name, "your own", folder=str(path.parent)),)
    chosen = PACKAGED if weights == "auto" else {weights: PACKAGED[weights]}
    return tuple(
        _spec(
            each.model,
            Path(each.path).name,
            each.description,
            source=f"package:{distribution}/{each.path}",
        )
        for distribution, each in chosen.items()
    )


def _spec(model: str, name: str, description: str, *, source: str = "", folder: str = "") -> ModelSpec:
    return ModelSpec(
        id=model,
        files=(ModelFile(name, (source,) if source else ()),),
        kind=ModelKind.VAD,
        memory=MEMORY,
        size_estimate=SIZE,
        description=description,
        licence="MIT",
        folder=folder,
    )
