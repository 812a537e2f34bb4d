"""Govor: a speech-to-text server. This module is the public API: plugins import nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from govor.contract.cores import keep_numpy_on_one_core
from govor.telemetry import switch_off

if TYPE_CHECKING:
    from govor.contract.audio_source import ArraySource, AudioSource
    from govor.contract.cores import usable_cores
    from govor.contract.devices import choose_device, choose_torch_device
    from govor.contract.diarization import (
        CountedVoices,
        DiarizationStream,
        Diarizer,
        SpeakerTurn,
        VoiceEmbedder,
        Voices,
    )
    from govor.contract.formats import Paragraph, Presentation, ResponseFormat
    from govor.contract.hooks import hookimpl
    from govor.contract.models import Feature, ModelFile, ModelSpec, Placement
    from govor.contract.recognition import (
        SAMPLE_RATE,
        Adopting,
        Audio,
        Backend,
        LanguageDetector,
        LongForm,
        Notice,
        Options,
        Placed,
        Recognizer,
        Segment,
        Task,
        Token,
        Transcript,
        VoiceDetector,
        VoiceStream,
        Word,
    )
    from govor.contract.server import ServedModel, Session, Transcriber, Transcribing
    from govor.contract.vocabulary import DecodedText, DecodedToken, Vocabulary
    from govor.errors import (
        ConfigurationError,
        GovorError,
        InvalidAudio,
        InvalidParam,
        LoadFailed,
        TranscriptionFailed,
        UnsupportedOperation,
    )

__all__ = [
    "SAMPLE_RATE",
    "Adopting",
    "ArraySource",
    "Audio",
    "AudioSource",
    "Backend",
    "ConfigurationError",
    "CountedVoices",
    "DecodedText",
    "DecodedToken",
    "DiarizationStream",
    "Diarizer",
    "Feature",
    "GovorError",
    "InvalidAudio",
    "InvalidParam",
    "LanguageDetector",
    "LoadFailed",
    "LongForm",
    "ModelFile",
    "ModelSpec",
    "Notice",
    "Options",
    "Paragraph",
    "Placed",
    "Placement",
    "Presentation",
    "Recognizer",
    "ResponseFormat",
    "Segment",
    "ServedModel",
    "Session",
    "SpeakerTurn",
    "Task",
    "Token",
    "Transcriber",
    "Transcribing",
    "Transcript",
    "TranscriptionFailed",
    "UnsupportedOperation",
    "Vocabulary",
    "VoiceDetector",
    "VoiceEmbedder",
    "VoiceStream",
    "Voices",
    "Word",
    "choose_device",
    "choose_torch_device",
    "hookimpl",
    "usable_cores",
]

switch_off()  # no library that sends telemetry is imported yet
keep_numpy_on_one_core()  # nor is numpy

__version__ = "0.1.0"

HOMES = (
    "contract.hooks",  # first: `hookimpl` must not wait for numpy, which the others import
    "contract.models",
    "errors",
    "contract.cores",
    "contract.recognition",
    "contract.audio_source",
    "contract.diarization",
    "contract.formats",
    "contract.server",
    "contract.vocabulary",
    "contract.devices",
)
"""Modules that define the public names."""


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first used: a decoder process needs none."""
    if name in __all__:
        for home in HOMES:
            module = import_module(f"govor.{home}")
            if hasattr(module, name):
                globals()[name] = getattr(module, name)
                return globals()[name]
    raise AttributeError(f"module 'govor' has no attribute '{name}'")
