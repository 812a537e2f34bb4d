"""The names of what a recognizer gets and gives, in one place for the core."""

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.backends import Adopting, Backend
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
from govor.contract.results import Notice, Segment, Task, Token, Transcript, Word

__all__ = [
    "SAMPLE_RATE",
    "Adopting",
    "Audio",
    "Backend",
    "Capability",
    "LanguageDetector",
    "LongForm",
    "Notice",
    "Options",
    "Recognizer",
    "RecognizerInfo",
    "Segment",
    "Task",
    "Token",
    "Transcript",
    "VoiceDetector",
    "VoiceStream",
    "Word",
]
