"""Fakes of everything that a plugin provides: a family, a loaded model, a detector; and Plugins of them.

The text of the fakes is the length of the audio, so that a test can predict every result. They do not
sleep: a test holds a call back with an Event.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.hooks import hookimpl
from govor.contract.models import Feature, ModelKind, ModelSpec, RuntimeOptions
from govor.contract.recognizers import Capability, Options, Recognizer, RecognizerInfo
from govor.contract.results import Segment, Token, Word
from govor.contract.streaming import Streaming
from govor.plugins import GROUP, Plugins
from govor.settings import Settings

PATIENCE_SECONDS = 30.0
"""How long a call waits for its gate before it raises TimeoutError."""

QUIET = 1e-3
"""Peak up to which the fakes take samples for silence."""


class Call(NamedTuple):
    """One call of a fake model."""

    seconds: tuple[float, ...]
    """Length of each array."""
    options: Options


class FakeRecognizer:
    """A loaded model whose text is the length of the audio: "1.5 seconds", and "" in silence.

    Set `gate` to hold its calls back until the test opens it, `failure` to make them raise; both may be
    changed at any time, and what it states as `info` before it is used. Words, tokens and language are set
    according to the spec's features.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    runtime = RuntimeOptions()
    cores = 0  # it waits, and does not compute
    surplus = 0
    batch_seconds = math.inf
    window = 0.0

    def __init__(
        self,
        spec: ModelSpec,
        *,
        parallel: int = 1,
        batch: int = 1,
        gate: threading.Event | None = None,
        failure: Exception | None = None,
    ):
        self.spec = spec
        self.parallel = parallel
        self.batch = batch
        self.gate = gate
        self.failure = failure
        self.calls: list[Call] = []
        self.begun = threading.Semaphore(0)
        """Released once by each call, before the gate: acquire it to wait for the start of a call."""
        self.closed = 0
        """Number of calls of `close`."""

    @property
    def info(self) -> RecognizerInfo:
        return RecognizerInfo(
            self.runtime,
            self.parallel,
            self.batch,
            self.batch_seconds,
            self.cores,
            self.surplus,
            self.window,
            self.capabilities,
        )

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        self._begin(batch, options)
        heard = [self._transcribe(audio, options) for audio in batch]
        return [[segment] if segment.text else [] for segment in heard]

    def close(self) -> None:
        self.closed += 1

    def _begin(self, batch: Sequence[Audio], options: Options) -> None:
        if self.closed:
            raise AssertionError("a closed model was called")
        self.calls.append(Call(tuple(len(audio) / SAMPLE_RATE for audio in batch), options))
        self.begun.release()
        pass_gate(self.gate)
        if self.failure is not None:
            raise self.failure

    def _transcribe(self, audio: Audio, options: Options, start: float = 0.0) -> Segment:
        features = self.spec.features
        seconds = len(audio) / SAMPLE_RATE
        heard = f"{seconds:.1f} seconds".split() if np.abs(audio).max(initial=0.0) > QUIET else []
        words = tokens = None
        if options.words and Feature.WORDS in features:
            edges = [start + seconds * place / 2 for place in range(3)]
            words = tuple(Word(text, edges[i], edges[i + 1]) for i, text in enumerate(heard))
        if options.logprobs and Feature.LOGPROBS in features:
            tokens = tuple(Token(None, f" {text}".encode(), -0.5) for text in heard)
        language = options.language or "en" if Feature.DETECT in features else None
        return Segment(" ".join(heard), start, start + seconds, words, tokens, language=language)


class FakeLongForm(FakeRecognizer):
    """A fake that also windows longer audio itself, `window` seconds at a time.

    Each of the `attempts` at a window passes the gate, and other tasks may go first between two of them.
    """

    capabilities = frozenset({Capability.LONG_FORM})

    def __init__(self, spec: ModelSpec, *, window: float = 1.0, attempts: int = 1, **kwargs: Any):
        super().__init__(spec, **kwargs)
        self.window = window
        self.attempts = attempts
        self.abandoned = 0
        """Number of generators that were closed before their end."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        size = round(self.window * SAMPLE_RATE)
        try:
            for first in range(0, len(audio), size):
                window = audio[first : first + size]
                self._begin([window], options)
                for _ in range(self.attempts - 1):
                    yield None
                    self._begin([window], options)
                yield self._transcribe(window, options, first / SAMPLE_RATE)
        except GeneratorExit:
            self.abandoned += 1
            raise


class FakeLinguist(FakeRecognizer):
    """A fake that also detects the language: always the same."""

    capabilities = frozenset({Capability.DETECT})

    def __init__(
        self, spec: ModelSpec, *, chances: Sequence[tuple[str, float]] = (("en", 1.0),), **kwargs: Any
    ):
        super().__init__(spec, **kwargs)
        self.chances = chances
        self.detected: list[float] = []
        """Seconds of each array that was passed to `detect`."""

    def detect(self, audio: Audio) -> Sequence[tuple[str, float]]:
        self.detected.append(len(audio) / SAMPLE_RATE)
        return self.chances


class FakeBackend:
    """A family, and the plugin that offers it: its hook returns the family itself."""

    def __init__(
        self,
        *models: str | ModelSpec,
        recognizer: Callable[[ModelSpec], Recognizer | Streaming] = FakeRecognizer,
        gate: threading.Event | None = None,
        failure: Exception | None = None,
    ):
        """Offer `models`, ids or specs; default: one called "fake". `gate` and `failure` are for `load`."""
        specs = [ModelSpec(model) if isinstance(model, str) else model for model in models or ("fake",)]
        self.specs = tuple(specs)
        self.gate = gate
        self.failure = failure
        self.settings: Mapping[str, Any] | None = None
        """The table that the hook got; None: it was not called."""
        self.loads: list[tuple[str, Path, RuntimeOptions]] = []
        """Id, folder and runtime options of every call of `load`."""
        self.loaded: dict[str, Any] = {}
        """The last recognizer of each id."""
        self.recognizer = recognizer
        """Makes what `load` returns."""

    @hookimpl
    def backend(self, settings: Mapping[str, Any]) -> FakeBackend:
        self.settings = settings
        return self

    def models(self) -> tuple[ModelSpec, ...]:
        return self.specs

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> Recognizer | Streaming:
        self.loads.append((spec.id, folder, runtime))
        pass_gate(self.gate)
        if self.failure is not None:
            raise self.failure
        self.loaded[spec.id] = recognizer = self.recognizer(spec)
        return recognizer


class FakeDetector:
    """Takes every frame that is not silent for speech; also its family, and the plugin that offers it."""

    def __init__(self, frame: int = 512, *, spec: ModelSpec | None = None, failure: Exception | None = None):
        """`failure` is raised by `load`."""
        self.frame = frame
        self.info = RecognizerInfo(RuntimeOptions("cpu"))
        self.spec = spec or ModelSpec("fake-detector", kind=ModelKind.VAD)
        self.failure = failure
        self.settings: Mapping[str, Any] | None = None
        self.loads = 0
        """Number of calls of `load`."""
        self.closed = 0
        """Number of calls of `close`."""

    @hookimpl
    def vad(self, settings: Mapping[str, Any]) -> FakeDetector:
        self.settings = settings
        return self

    def models(self) -> Sequence[ModelSpec]:
        return [self.spec]

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> FakeDetector:
        self.loads += 1
        if self.failure is not None:
            raise self.failure
        return self

    def stream(self) -> FakeDetector:
        return self

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        loudest = np.abs(audio.reshape(-1, self.frame)).max(axis=1)
        speech: NDArray[np.float32] = (loudest > QUIET).astype(np.float32)
        return speech

    def close(self) -> None:
        self.closed += 1


class _Offered(EntryPoint):
    """An entry point for an object in memory."""

    def __init__(self, name: str, plugin: object):
        super().__init__(name, "fake", GROUP)
        vars(self)["plugin"] = plugin  # entry points forbid plain assignment

    def load(self) -> Any:
        plugin = vars(self)["plugin"]
        if isinstance(plugin, BaseException):
            raise plugin
        return plugin


def plugins_of(settings: Settings, /, **plugins: object) -> Plugins:
    """Return Plugins that finds these, by entry-point name, instead of the installed ones.

    A plugin is anything with hooks: a module, a fake of this module, an object whose methods are marked
    with `hookimpl`. An exception stands for a module whose import raises it.
    """
    return Plugins(settings, [_Offered(name, plugin) for name, plugin in plugins.items()])


def pass_gate(gate: threading.Event | None) -> None:
    """Wait until the gate is open. Raises TimeoutError if no test opens it."""
    if gate is not None and not gate.wait(PATIENCE_SECONDS):
        raise TimeoutError(f"the gate was not opened within {PATIENCE_SECONDS:g} seconds")
