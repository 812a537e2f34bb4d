"""One loaded GigaAM model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast, get_args

import numpy as np

import govor
from govor_gigaam_onnx.decoding.greedy import Hypothesis, Transducer, decode_ctc, decode_transducer
from govor_gigaam_onnx.decoding.transducer import NumpyTransducer, read_transducer
from govor_gigaam_onnx.decoding.vocabulary import read_vocabulary
from govor_gigaam_onnx.files.layout import ModelFiles, find_files
from govor_gigaam_onnx.graph.export import Export, Floats, NotUnderstood
from govor_gigaam_onnx.graph.preparation import prepare
from govor_gigaam_onnx.runtime.cores import physical_cores
from govor_gigaam_onnx.runtime.encoder import Encoder
from govor_gigaam_onnx.runtime.memory import freed_at_once
from govor_gigaam_onnx.runtime.sessions import CPU, Providers, Session, SessionTransducer, choose_providers
from govor_gigaam_onnx.settings import PUBLISHED_INT8, GigaamSettings, Precision

PRECISIONS = (*get_args(Precision), PUBLISHED_INT8)
Decode = Callable[[Floats], Hypothesis]

log = logging.getLogger(__name__)


def load_recognizer(
    spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions, settings: GigaamSettings
) -> GigaamRecognizer:
    """Load the model in `folder`; the first load rewrites its encoder.

    Raises LoadFailed, which names the faulty file.
    """
    if runtime.device == "auto" and choose_providers("auto") != CPU:
        try:
            return load_recognizer(spec, folder, replace(runtime, device="cuda"), settings)
        except govor.LoadFailed as error:
            log.warning("'%s' runs on the CPU: %s", spec.id, error)
            return load_recognizer(spec, folder, replace(runtime, device="cpu"), settings)
    providers = choose_providers(runtime.device)
    files = find_files(folder, {file.name for file in spec.files})
    vocabulary = read_vocabulary(files.vocabulary)
    with freed_at_once():
        path = _choose_encoder(files, _requested(spec, runtime, settings), providers)
        precision = _precision_of(path, runtime.precision)
        threads = runtime.threads or 1
        encoder = Encoder(Session(path, providers, threads=threads), files)
        decode, classes = _load_decoder(files, encoder, settings.max_symbols)
    if classes != len(vocabulary) + 1:
        raise govor.LoadFailed(
            f"{files.vocabulary} names {len(vocabulary)} tokens and the blank, but {files.encoder.name} "
            f"has {classes} classes: the two are of different models."
        )
    language = spec.languages[0] if len(spec.languages) == 1 else None
    workers = runtime.workers or settings.threads or max(1, physical_cores() // threads)
    reached = _reached(providers, threads, workers, precision)
    return GigaamRecognizer(encoder, decode, vocabulary, language, reached)


class GigaamRecognizer:
    """A loaded model; all calls share the weights."""

    def __init__(
        self,
        encoder: Encoder,
        decode: Decode,
        vocabulary: govor.Vocabulary,
        language: str | None,
        runtime: govor.RuntimeOptions,
    ):
        """`language` is the only one that the model knows; None: several, and it does not detect which."""
        surplus = 1 if runtime.device == "cpu" else 0
        self.info = govor.RecognizerInfo(runtime, parallel=runtime.workers, surplus=surplus)
        self._encoder = encoder
        self._decode = decode
        self._vocabulary = vocabulary
        self._language = language

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[list[govor.Segment]]:
        """Return at most one segment per array; one by one, so that results do not depend on the batch."""
        return [self._transcribe(audio) for audio in batch]

    def close(self) -> None:
        del self._encoder, self._decode

    def _transcribe(self, audio: govor.Audio) -> list[govor.Segment]:
        encoded = self._encoder(audio)
        frame_seconds = len(audio) / govor.SAMPLE_RATE / len(encoded)
        found = self._decode(encoded)
        segment = self._vocabulary.segment(
            found.tokens,
            found.logprobs,
            frames=found.frames,
            frame_seconds=frame_seconds,
            language=self._language,
        )
        return [segment] if segment.text else []


def _requested(spec: govor.ModelSpec, runtime: govor.RuntimeOptions, settings: GigaamSettings) -> Precision:
    """Return the precision to try. Raises LoadFailed if the name is unknown."""
    if runtime.precision == "auto":
        return settings.precision_of(spec.id)
    if runtime.precision not in PRECISIONS:
        raise govor.LoadFailed(
            f"GigaAM on onnxruntime cannot compute in '{runtime.precision}': say {', '.join(PRECISIONS)}."
        )
    return "original" if runtime.precision == PUBLISHED_INT8 else cast("Precision", runtime.precision)


def _precision_of(path: Path, requested: str) -> str:
    """Return the precision in a graph's name. Raises LoadFailed if it is not the one asked for."""
    parts = path.name.split(".")
    precision = next((part for part in ("int8", "fp16") if part in parts), "fp32")
    if requested in ("fp32", "int8", PUBLISHED_INT8) and not requested.endswith(precision):
        raise govor.LoadFailed(
            f"{path} computes in {precision}, and cannot be had in {requested} here: say auto or original."
        )
    return precision


def _reached(providers: Providers, threads: int, workers: int, precision: str) -> govor.RuntimeOptions:
    if providers == CPU:
        return govor.RuntimeOptions("cpu", threads, workers, precision)
    index = providers[0][1]["device_id"]
    return govor.RuntimeOptions("cuda" if index == "0" else f"cuda:{index}", threads, 1, precision)


def _choose_encoder(files: ModelFiles, precision: Precision, providers: Providers) -> Path:
    """Return the graph to run; only float32 weights can be rewritten, and only a CPU gains by it."""
    if precision == "original" or providers != CPU or ".int8." in files.encoder.name:
        return files.encoder
    return prepare(files, "int8" if precision == "auto" else precision)


def _load_decoder(files: ModelFiles, encoder: Encoder, max_symbols: int) -> tuple[Decode, int]:
    """Return the decoding function for the encoder's output, and the number of classes. Raises LoadFailed."""
    try:
        encoded = encoder(np.zeros(govor.SAMPLE_RATE, np.float32))
    except Exception as error:  # onnxruntime's errors have no other class in common
        raise govor.LoadFailed(f"{files.encoder} does not run: {error}") from error
    if files.decoder is None or files.joint is None:
        return decode_ctc, encoded.shape[1]
    transducer = load_transducer(files.decoder, files.joint, encoded)
    return partial(decode_transducer, transducer=transducer, max_symbols=max_symbols), transducer.blank + 1


def load_transducer(decoder: Path, joint: Path, encoded: Floats) -> Transducer:
    """Return predictor and joiner: in numpy if that gives the files' results, else the files themselves.

    `encoded` is any output of the encoder. Raises LoadFailed.
    """
    try:
        exact = SessionTransducer(Session(decoder, CPU), Session(joint, CPU))
        scores = first_scores(exact, encoded)
    except govor.LoadFailed:
        raise
    except Exception as error:  # onnxruntime's errors have no other class in common
        raise govor.LoadFailed(
            f"{decoder} and {joint.name} do not run on the encoder's output: {error}"
        ) from error
    try:
        fast = NumpyTransducer(read_transducer(Export.read(decoder), Export.read(joint)))
        difference = float(np.abs(first_scores(fast, encoded) - scores).max())
        if not difference <= 1e-3:
            raise NotUnderstood(f"in numpy it scores otherwise, by {difference:.2g}")
    except (NotUnderstood, ValueError) as error:
        log.info("%s is run step by step, some times slower: %s", decoder, error)
        return exact
    return fast


def first_scores(transducer: Transducer, encoded: Floats) -> Floats:
    """Return (steps, classes) log-probabilities of a few steps with fixed tokens."""
    prediction, state = transducer.predict(transducer.blank, None)
    steps = []
    for token, frame in zip((1, 2, 1, 0), transducer.listen(encoded), strict=False):
        scores = transducer.join(frame, prediction)
        steps.append(scores - scores.max() - np.log(np.exp(scores - scores.max()).sum()))
        prediction, state = transducer.predict(token, state)
    return np.stack(steps)
