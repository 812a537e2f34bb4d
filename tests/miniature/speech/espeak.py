"""Russian speech with word times from the espeak-ng library, through ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LIBRARY = "libespeak-ng.so.1"
SYNCHRONOUS = 2
PHONEME_EVENTS = 1
UTF8 = 1
CHARACTER_POSITION = 1
EVENT_WORD, EVENT_PHONEME = 1, 7
RATE, PITCH, WORD_GAP = 1, 3, 7
"""Of espeak_EVENT_TYPE and espeak_PARAMETER in speak_lib.h."""


@dataclass(frozen=True)
class Voice:
    """A variant's name (`ru+f2`), words a minute, pitch 0-100, gap between words in 10 ms."""

    name: str
    rate: int
    pitch: int
    gap: int


@dataclass
class Spoken:
    start: float
    end: float | None = None
    heard: bool = False


def installed_data() -> Path:
    """Return the folder espeak-ng-data of the installed library."""
    library = ctypes.CDLL(LIBRARY)
    library.espeak_Initialize(SYNCHRONOUS, 0, None, 0)
    path = ctypes.c_char_p()
    library.espeak_Info(ctypes.byref(path))
    return Path((path.value or b"").decode())


class Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


class Espeak:
    """One per process: the library keeps its state in globals."""

    def __init__(self, data: Path | None = None) -> None:
        """`data` is the folder that holds espeak-ng-data; None: the installed one."""
        self._library = ctypes.CDLL(LIBRARY)
        path = str(data).encode() if data else None
        self.sample_rate = self._library.espeak_Initialize(SYNCHRONOUS, 0, path, PHONEME_EVENTS)
        self._pieces: list[bytes] = []
        self._events: list[tuple[int, float, bytes]] = []
        self._callback = Callback(self._receive)  # kept: the library holds a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: Voice) -> tuple[np.ndarray, list[tuple[float, float]]]:
        """Return float32 samples in [-1, 1] at `sample_rate`, and each word's start and end in seconds."""
        self._pieces, self._events = [], []
        if self._library.espeak_SetVoiceByName(voice.name.encode()):
            raise LookupError(f"espeak-ng has no voice {voice.name}")
        for parameter, value in ((RATE, voice.rate), (PITCH, voice.pitch), (WORD_GAP, voice.gap)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, CHARACTER_POSITION, 0, UTF8, None, None)
        samples = np.frombuffer(b"".join(self._pieces), dtype=np.int16).astype(np.float32) / 32768
        return samples, self._words(len(samples) / self.sample_rate)

    def _receive(self, samples: object, count: int, events: object) -> int:
        index = 0
        while events[index].type:
            event = events[index]
            self._events.append((event.type, event.audio_position / 1000, event.id))
            index += 1
        if samples and count:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    def _words(self, seconds: float) -> list[tuple[float, float]]:
        """Return the words' times: a word ends at its first pause (`_`), else at the next word's start."""
        words: list[Spoken] = []
        for kind, at, name in self._events:
            if kind == EVENT_WORD:
                if words and words[-1].end is None:
                    words[-1].end = at
                words.append(Spoken(at))
            elif kind == EVENT_PHONEME and words:
                if not name.startswith(b"_"):
                    words[-1].heard = True
                elif words[-1].end is None:
                    words[-1].end = at
        # The end of an unpunctuated text is an event too, with no phoneme after it.
        return [(word.start, seconds if word.end is None else word.end) for word in words if word.heard]
