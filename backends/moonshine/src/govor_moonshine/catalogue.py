"""The model in the package `moonshine-voice`, as data. Imports nothing heavy."""

from __future__ import annotations

import govor

ENCODER = "encoder_model.ort"
DECODER = "decoder_model_merged.ort"
VOCABULARY = "tokenizer.bin"


def _file(name: str, size: int, sha256: str) -> govor.ModelFile:
    # Only version 0.1.0 holds these bytes: later ones download their weights on first use.
    source = f"package:moonshine-voice/moonshine_voice/assets/tiny-en/{name}"
    return govor.ModelFile(name, (source,), size, sha256)


TINY = govor.ModelSpec(
    "moonshine-tiny-en",
    files=(
        _file(ENCODER, 13_281_600, "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221"),
        _file(DECODER, 30_412_256, "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0"),
        _file(VOCABULARY, 249_974, "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d"),
    ),
    languages=("en",),
    aliases=("moonshine", "moonshine-tiny", "UsefulSensors/moonshine-tiny"),
    features=frozenset({govor.Feature.LOGPROBS, govor.Feature.PUNCTUATION}),
    max_seconds=30.0,  # as long as the recordings that it was trained on
    edge_padding=0.5,  # measured: without it the first or last word of a cut recording is often wrong
    memory=260_000_000,
    description="Moonshine tiny: English only, small and quick",
    licence="MIT",
)
