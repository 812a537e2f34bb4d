"""The two networks' files, as data."""

from __future__ import annotations

import govor

SEGMENTATION = "segmentation.onnx"
EMBEDDING = "embedding.onnx"

SPEC = govor.ModelSpec(
    "pyannote-wespeaker",
    aliases=(
        "pyannote/speaker-diarization-3.1",
        "pyannote/speaker-diarization-community-1",
        "pyannote/wespeaker-voxceleb-resnet34-LM",
    ),
    files=(
        govor.ModelFile(
            SEGMENTATION,
            sources=(
                "hf:onnx-community/pyannote-segmentation-3.0"
                "@733a93b6473d019a773298e08cefa686894b1854/onnx/model.onnx",
            ),
            size=5_986_908,
            sha256="057ee564753071c0b09b5b611648b50ac188d50846bff5f01e9f7bbf1591ea25",
        ),
        govor.ModelFile(
            EMBEDDING,
            sources=(
                "https://github.com/k2-fsa/sherpa-onnx/releases/download/speaker-recongition-models/"
                "wespeaker_en_voxceleb_resnet34.onnx",
            ),
            size=26_534_365,
            sha256="5ef208a9da1453335308a6b6f4e6dfbd7e183a38b604de0a57664f45d257fe94",
        ),
    ),
    memory=150_000_000,
    description="Speaker diarization: pyannote segmentation 3.0 and WeSpeaker ResNet34, on onnxruntime",
    licence="MIT (segmentation), CC-BY-4.0 (voices)",
    kind=govor.ModelKind.DIARIZATION,
)
