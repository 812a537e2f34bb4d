"""Govor: a speech-to-text server. This module is the public API: plugins import nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from govor.contract.machine.cores import keep_numpy_on_one_core
from govor.telemetry import switch_off

if TYPE_CHECKING:
    from govor.contract.audio import SAMPLE_RATE, ArraySource, Audio, AudioSource
    from govor.contract.backends import Adopting, Backend, ModelFamily, VoiceDetection
    from govor.contract.diarization import (
        CountedVoices,
        DiarizationStream,
        Diarizer,
        SpeakerTurn,
        VoiceEmbedder,
        Voices,
    )
    from govor.contract.hooks import hookimpl
    from govor.contract.machine.cores import usable_cores
    from govor.contract.machine.devices import choose_device, choose_torch_device
    from govor.contract.machine.loading import derived_folder, report_progress
    from govor.contract.models import Feature, ModelFile, ModelKind, ModelSpec, RuntimeOptions, Variant
    from govor.contract.recognizers import (
        Capability,
        LanguageDetector,
        LongForm,
        Options,
        Recognizer,
        RecognizerInfo,
        VoiceDetector,
        VoiceStream,
    )
    from govor.contract.results import (
        Notice,
        Segment,
        Task,
        Token,
        Transcript,
        Vocabulary,
        Word,
        segment_from_tokens,
    )
    from govor.contract.server import ServedModel, Session, Transcriber, Transcribing
    from govor.contract.streaming import RecognizerStream, Streaming, Update
    from govor.contract.texts.formats import Paragraph, Presentation, ResponseFormat
    from govor.contract.texts.processing import TextOptions, TextProcessing, TextProcessor
    from govor.contract.versions import CONTRACT
    from govor.contract.workers import Executor, Outcome, Progress, Worker, WorkerTask, run_tasks
    from govor.errors import (
        BackendUnavailable,
        ConfigurationError,
        GovorError,
        InvalidAudio,
        InvalidParam,
        LoadFailed,
        TranscriptionFailed,
        UnsupportedOperation,
    )

__all__ = [
    "CONTRACT",
    "SAMPLE_RATE",
    "Adopting",
    "ArraySource",
    "Audio",
    "AudioSource",
    "Backend",
    "BackendUnavailable",
    "Capability",
    "ConfigurationError",
    "CountedVoices",
    "DiarizationStream",
    "Diarizer",
    "Executor",
    "Feature",
    "GovorError",
    "InvalidAudio",
    "InvalidParam",
    "LanguageDetector",
    "LoadFailed",
    "LongForm",
    "ModelFamily",
    "ModelFile",
    "ModelKind",
    "ModelSpec",
    "Notice",
    "Options",
    "Outcome",
    "Paragraph",
    "Presentation",
    "Progress",
    "Recognizer",
    "RecognizerInfo",
    "RecognizerStream",
    "ResponseFormat",
    "RuntimeOptions",
    "Segment",
    "ServedModel",
    "Session",
    "SpeakerTurn",
    "Streaming",
    "Task",
    "TextOptions",
    "TextProcessing",
    "TextProcessor",
    "Token",
    "Transcriber",
    "Transcribing",
    "Transcript",
    "TranscriptionFailed",
    "UnsupportedOperation",
    "Update",
    "Variant",
    "Vocabulary",
    "VoiceDetection",
    "VoiceDetector",
    "VoiceEmbedder",
    "VoiceStream",
    "Voices",
    "Word",
    "Worker",
    "WorkerTask",
    "choose_device",
    "choose_torch_device",
    "derived_folder",
    "hookimpl",
    "report_progress",
    "run_tasks",
    "segment_from_tokens",
    "usable_cores",
]

switch_off()  # no library that sends telemetry is imported yet
keep_numpy_on_one_core()  # nor is numpy

__version__ = "0.1.0"

HOMES = (
    "contract.hooks",  # first: `hookimpl` must not wait for numpy, which the others import
    "contract.models",
    "contract.results",
    "errors",
    "contract.machine.cores",
    "contract.machine.loading",
    "contract.audio",
    "contract.recognizers",
    "contract.streaming",
    "contract.backends",
    "contract.diarization",
    "contract.workers",
    "contract.texts.formats",
    "contract.texts.processing",
    "contract.server",
    "contract.machine.devices",
    "contract.versions",
)
"""Modules that define the public names."""

OLD_NAMES = frozenset({"DecodedText", "DecodedToken", "Placed", "Placement"})
"""Names of version 0.1 that plugins may still import, with a warning."""


if not TYPE_CHECKING:  # else a name that does not exist would be of any type

    def __getattr__(name: str) -> Any:
        """Import the module of a public name when the name is first used: a decoder process needs none."""
        if name in __all__:
            for home in HOMES:
                module = import_module(f"govor.{home}")
                if hasattr(module, name):
                    globals()[name] = getattr(module, name)
                    return globals()[name]
        if name in OLD_NAMES:
            return import_module("govor.contract.versions").old_name(name)
        raise AttributeError(f"module 'govor' has no attribute '{name}'")
