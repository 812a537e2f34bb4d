"""Helpers for tests of plugins and of the core: the suite that every backend must pass, fakes, and audio.

Needs pytest; nothing else in Govor imports this package.
"""

from govor.testing.conformance import HEAVY, BackendConformance
from govor.testing.fake_streams import FakeStreaming
from govor.testing.fakes import (
    FakeBackend,
    FakeDetector,
    FakeLinguist,
    FakeLongForm,
    FakeRecognizer,
    plugins_of,
)
from govor.testing.sound import hum, read_audio, silence
from govor.testing.speakers import FakeDiarizer

__all__ = [
    "HEAVY",
    "BackendConformance",
    "FakeBackend",
    "FakeDetector",
    "FakeDiarizer",
    "FakeLinguist",
    "FakeLongForm",
    "FakeRecognizer",
    "FakeStreaming",
    "hum",
    "plugins_of",
    "read_audio",
    "silence",
]
