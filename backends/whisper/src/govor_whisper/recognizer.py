"""One loaded Whisper model. Imports faster-whisper and CTranslate2."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import ctranslate2  # type: ignore[import-untyped]
import numpy as np

import govor
from govor_whisper.decoding.batched import WINDOW, Task
from govor_whisper.decoding.recovery import SpeechRecovery, as_integers
from govor_whisper.decoding.results import WHISPER_TO_ISO, as_segment
from govor_whisper.decoding.sequential import SteppingModel
from govor_whisper.decoding.tokens import TokenBytes
from govor_whisper.device import choose_batch, choose_number_type, choose_workers, place, share_cores
from govor_whisper.files.conversion import check_conversion
from govor_whisper.settings import WhisperSettings

CONTEXT_LETTERS = 30_000
"""Letters of the context that can have an effect: Whisper's longest token has 128 letters. Megabytes would be
tokenized, without effect, for seconds, and keywords again before each window.
"""

SILENT_PEAK = 1e-4
"""-80 dB, below any microphone's noise. For less Whisper makes up text: base writes "I'm sorry" for zeros."""

WEIGHTS = "model.bin"

SECOND_LADDER = 3
"""Temperatures for a second decoding: 0, or the client's, and two more. Higher ones make up text."""

ANY_REPETITION = 1000.0
"""A limit of the compression ratio that no text reaches."""

LEAST_PROMPTED = 0.6
"""Seconds of audio below which the model does not get the client's prompt: it would write that instead of the
few spoken words.
"""

SURPLUS = 1
"""Calls beyond the workers, for a new request beside long recordings. CTranslate2 holds the weights once."""

ISO_TO_WHISPER = {"jv": "jw"}


def load_recognizer(
    spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions, settings: WhisperSettings
) -> WhisperRecognizer:
    """Load the model in `folder`, which must hold every file of `spec`: the network is never used.

    Raises LoadFailed.
    """
    kind, index = place(runtime.device, ctranslate2.get_cuda_device_count())
    missing = [file.name for file in spec.files if not (folder / file.name).is_file()]
    if missing:  # without a tokenizer.json faster-whisper would fetch one
        raise govor.LoadFailed(f"The model '{spec.id}' in {folder} lacks {', '.join(missing)}.")
    check_conversion(spec.id, folder)
    quiet = logging.getLogger("faster_whisper")
    if quiet.level == logging.NOTSET:  # it logs every call at INFO
        quiet.setLevel(logging.WARNING)
    threads = runtime.threads or settings.cpu_threads
    weights = sum(file.stat().st_size for file in folder.glob(WEIGHTS))
    chosen = choose_workers(kind, weights, threads, govor.usable_cores())
    workers = runtime.workers or settings.workers or chosen
    threads = share_cores(threads, workers)
    requested = settings.compute_type if runtime.precision == "auto" else runtime.precision
    number_type = choose_number_type(requested, kind, ctranslate2.get_supported_compute_types(kind, index))
    try:
        model = SteppingModel(
            str(folder),
            device=kind,
            device_index=index,
            compute_type=number_type,
            cpu_threads=threads,
            num_workers=workers + SURPLUS,
            local_files_only=True,
        )
    except Exception as error:  # tokenizers raises plain Exception, CTranslate2 RuntimeError and ValueError
        raise govor.LoadFailed(f"The model '{spec.id}' in {folder} cannot be loaded: {error}") from error
    device = f"{kind}:{index}" if index else kind
    reached = govor.RuntimeOptions(device, threads, workers, model.model.compute_type)
    return WhisperRecognizer(model, spec.languages, settings, reached)


class WhisperRecognizer:
    """A loaded model; all calls share the weights."""

    def __init__(
        self, model: Any, languages: Sequence[str], settings: WhisperSettings, runtime: govor.RuntimeOptions
    ):
        """`languages` are those of the model; a model of a single language is never asked to detect."""
        self.info = govor.RecognizerInfo(
            runtime,
            parallel=runtime.workers,
            surplus=SURPLUS,
            window=WINDOW / govor.SAMPLE_RATE,
            capabilities=frozenset({govor.Capability.LONG_FORM, govor.Capability.DETECT}),
        )
        self._model = model
        self._data = TokenBytes(model.hf_tokenizer)
        self._languages = languages
        self._settings = settings
        kind = runtime.device.partition(":")[0]
        self._batch = choose_batch(settings.long_audio, settings.batch_size, kind)

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[list[govor.Segment]]:
        """Return Whisper's own segments of each array."""
        every = (self.transcribe_long(audio, options) for audio in batch)
        return [[segment for segment in found if segment is not None] for found in every]

    def transcribe_long(self, audio: govor.Audio, options: govor.Options) -> Iterator[govor.Segment | None]:
        """Yield Whisper's own segments, each as soon as its 30 s window, or batch of windows, is decoded.

        None stands between them: once the features of more than a window are computed, before each further
        temperature, and if a window has no text.
        """
        seconds = len(audio) / govor.SAMPLE_RATE
        found = self._start(audio, options)
        del audio  # of minutes only the features are needed from here on
        if seconds > self.info.window:
            yield None
        with closing(found):
            for part in found:
                yield as_segment(part, seconds, self._data) if part and part.text.strip() else None

    def detect(self, audio: govor.Audio) -> list[tuple[str, float]]:
        """Return the languages by probability: one run of the encoder and one step of the decoder."""
        if np.abs(audio).max(initial=0) < SILENT_PEAK:
            return []
        if len(self._languages) == 1:
            return [(self._languages[0], 1.0)]
        _, _, chances = self._model.detect_language(audio)
        found = ((WHISPER_TO_ISO.get(code, code), float(chance)) for code, chance in chances)
        return sorted(found, key=lambda each: -each[1])

    def close(self) -> None:
        self._model.model.unload_model()
        del self._model

    def _start(self, audio: govor.Audio, options: govor.Options) -> Any:
        """Return a generator of faster-whisper's segments, not yet begun; each has its language.

        None stands between them at each point at which other tasks may use the model first.
        """
        if np.abs(audio).max(initial=0) < SILENT_PEAK:
            return _no_segments()
        temperatures = ladder(options.temperature or 0.0, self._settings.temperature_fallback)
        prompted = len(audio) >= LEAST_PROMPTED * govor.SAMPLE_RATE
        asked: dict[str, Any] = {
            "task": options.task,
            "beam_size": self._settings.beam_size,
            "initial_prompt": (prompted and options.prompt[-CONTEXT_LETTERS:]) or None,
            "hotwords": (prompted and ", ".join(options.keywords)[:CONTEXT_LETTERS]) or None,
            "word_timestamps": options.words,
        }
        codes = self._candidates(options)
        model = self._model if len(codes) == 1 else self._model.detecting(codes)
        language = codes[0] if len(codes) == 1 else None
        if self._batch and len(audio) > WINDOW:
            language = language or self._spoken_first(audio[:WINDOW], codes)
            asked_of_all = {**asked, "language": language}
            found = Task(self._model, audio, asked_of_all, temperatures, codes).decode(self._batch)
        else:
            found, info = model.transcribe(
                audio,
                language=language,
                temperature=temperatures,
                condition_on_previous_text=self._settings.condition_on_previous_text,
                **asked,
            )
            language = info.language
        again = partial(self._again, asked, codes, language, temperatures[:SECOND_LADDER])
        return SpeechRecovery(as_integers(audio), again).recovered(found)

    def _again(
        self,
        asked: dict[str, Any],
        codes: Sequence[str],
        usual: str,
        temperatures: Sequence[float],
        audio: govor.Audio,
    ) -> Iterator[Any]:
        """Decode a piece without the text before it: faster-whisper's segments, and None between."""
        model = self._model if len(codes) == 1 else self._model.detecting(codes, usual)
        found, _ = model.transcribe(
            audio,
            **{**asked, "initial_prompt": None},
            language=usual if len(codes) == 1 else None,
            temperature=temperatures,
            condition_on_previous_text=False,
            compression_ratio_threshold=ANY_REPETITION,
        )
        return iter(found)

    def _spoken_first(self, audio: govor.Audio, codes: Sequence[str]) -> str:
        """Return Whisper's code of the language of a window, one of `codes` if there are any."""
        model = self._model.detecting(codes)
        language: str = model.detect_language(features=model.feature_extractor(audio))[0]
        return language

    def _candidates(self, options: govor.Options) -> tuple[str, ...]:
        """Return Whisper's codes of the possible languages; none: any."""
        if len(self._languages) == 1:
            return tuple(self._languages)
        known = tuple(code for code in options.languages if code in self._languages)
        wanted = (options.language,) if options.language else known
        return tuple(ISO_TO_WHISPER.get(code, code) for code in wanted)


def ladder(first: float, fallback: bool) -> list[float]:
    """Return the temperatures to try in turn: from `first` in steps of 0.2 up to 1, as OpenAI's whisper does.

    >>> ladder(0.5, fallback=True)
    [0.5, 0.7, 0.9]
    """
    steps = max(0, int((1 - first) / 0.2 + 1e-6)) if fallback else 0
    return [round(first + 0.2 * step, 2) for step in range(steps + 1)]


def _no_segments() -> Iterator[Any]:
    yield from ()
