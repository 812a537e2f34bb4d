"""Rewrite an encoder for this CPU once, in a file of its own.

The rewritten graph is kept only if its answers match the original's; otherwise the reason is kept.
"""

from __future__ import annotations

import glob
import logging
import os
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from filelock import FileLock

import govor
from govor_gigaam_onnx.files.layout import ModelFiles
from govor_gigaam_onnx.files.naming import PREPARED
from govor_gigaam_onnx.graph.conformer import read_encoder
from govor_gigaam_onnx.graph.export import Export, Floats, NotUnderstood
from govor_gigaam_onnx.graph.rewriting import build_graph
from govor_gigaam_onnx.runtime.encoder import Encoder
from govor_gigaam_onnx.runtime.sessions import CPU, Session

Numbers = Literal["fp32", "int8"]

RECIPE = 1
"""Version of the rewriting; files of an older version are rewritten."""

TOLERANCE = {"fp32": 1e-3, "int8": 0.3}
"""Largest allowed difference of a rewritten graph to the original. Seen: in fp32 2e-5; in int8 0.04 with
trained weights, 0.15 with random ones; above 1 if a connection is wrong.
"""

LARGEST = 2 * 10**9
"""Bytes of weights in one file; protobuf takes 2 GiB."""

REWRITING = "rewriting the model for this CPU, once"

PROBE_SECONDS = (3.0, 1.27)

log = logging.getLogger(__name__)


def prepare(files: ModelFiles, numbers: Numbers) -> Path:
    """Return the encoder file to run: rewritten, or the original if that is impossible.

    The first call takes some ten seconds and temporarily twice the file's size of memory; later ones take
    nothing. The rewritten file is kept in `govor.derived_folder`; one that an earlier version has put beside
    the original is used too.
    """
    source = files.encoder
    name = _target_name(source, numbers)
    target = govor.derived_folder(source.parent) / name
    for made in (target, source.with_name(name)):
        if made.is_file():
            return made
    try:
        with FileLock(target.with_name(source.name + PREPARED + "lock")):
            return target if target.is_file() else _build(files, target, numbers)
    except OSError as error:
        log.warning("%s runs as it is, several times slower: %s", source, error)
        return source


def _target_name(source: Path, numbers: Numbers) -> str:
    """Return a name that changes with the recipe, and with the original's size and date."""
    stat = source.stat()
    return f"{source.stem}{PREPARED}{RECIPE}-{stat.st_size:x}-{stat.st_mtime_ns:x}.{numbers}.onnx"


def _build(files: ModelFiles, target: Path, numbers: Numbers) -> Path:
    source = files.encoder
    refusal = target.with_suffix(".refused")
    if refusal.is_file():
        log.info("%s runs as it is: %s", source, refusal.read_text(encoding="utf-8"))
        return source
    log.info("Rewriting %s for this CPU in %s; once", source.name, numbers)
    part = target.with_suffix(".part")
    govor.report_progress(0.0, REWRITING)
    try:
        model = build_graph(read_encoder(Export.read(source)), int8=numbers == "int8")
        if sum(tensor.ByteSize() for tensor in model.graph.initializer) > LARGEST:
            raise NotUnderstood("rewritten, it is larger than one ONNX file may be")
        onnx.save(model, part)
        del model
        govor.report_progress(0.5, "comparing the rewritten model with the original")
        difference = compare(files, part, numbers)
        if not difference <= TOLERANCE[numbers]:
            raise NotUnderstood(f"rewritten, it answers otherwise: {difference:.2g} > {TOLERANCE[numbers]}")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except (NotUnderstood, govor.LoadFailed) as error:
        refusal.write_text(str(error), encoding="utf-8")
        log.warning("%s runs as it is, several times slower: %s", source, error)
        return source
    finally:
        part.unlink(missing_ok=True)
    for older in target.parent.glob(f"{glob.escape(source.stem)}{PREPARED}*.{numbers}.*"):
        if older != target:
            older.unlink(missing_ok=True)
    return target


def compare(files: ModelFiles, rewritten: Path, numbers: Numbers) -> float:
    """Return the difference of two encoders on fixed inputs; NaN if their results are not comparable.

    In fp32 it is the largest absolute difference; in int8 the root mean square one, relative to the
    original's variation over time. Raises NotUnderstood if one does not run.
    """
    sessions = (Session(path, CPU, lean=True) for path in (files.encoder, rewritten))
    original, candidate = (Encoder(session, files) for session in sessions)
    worst = 0.0
    for seconds in PROBE_SECONDS:
        audio = probe(seconds)
        try:
            expected, result = original(audio), candidate(audio)
        except Exception as error:  # onnxruntime's errors have no other class in common
            raise NotUnderstood(f"it, or what was made of it, does not run: {error}") from error
        if expected.shape != result.shape:
            return float("nan")
        difference = result - expected
        if numbers == "fp32":
            apart = np.abs(difference).max()
        else:
            apart = np.sqrt(np.square(difference).mean() / expected.var(axis=0).mean())
        worst = max(worst, float(apart))
    return worst


def probe(seconds: float) -> Floats:
    """Return a voice that glides through vowels, with noise: the same on every machine."""
    time = np.arange(round(seconds * govor.SAMPLE_RATE)) / govor.SAMPLE_RATE
    pitch = 120 + 30 * np.sin(4.4 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / govor.SAMPLE_RATE
    formants = 500 + 250 * np.sin(13 * time), 1500 + 600 * np.sin(11 * time + 1)
    voice = np.zeros_like(time)
    for harmonic in range(1, 30):
        loudness = sum(1 / (1 + ((harmonic * pitch - formant) / 100) ** 2) for formant in formants)
        voice += loudness * np.sin(harmonic * phase)
    syllables = np.sqrt(np.clip(np.sin(21 * time), 0, 1))
    noise = np.random.default_rng(0).standard_normal(len(time))
    audio: Floats = (0.1 * voice * syllables + 0.003 * noise).astype(np.float32)
    return audio
