"""Load a model from its folder, and run it as a recognizer. Imports transformers and torch.

Uses files of the folder only: the network is never used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # else it warns whenever the process forks

# Torch names this folder after the user; in a container the user may have no name (pytorch#140765).
os.environ.setdefault(
    "TORCHINDUCTOR_CACHE_DIR", f"{tempfile.gettempdir()}/torchinductor_{getattr(os, 'getuid', int)()}"
)

import torch
import transformers

import govor
from govor_transformers.families.ctc import CTC
from govor_transformers.families.family import Family, Model
from govor_transformers.families.sequences import Sequences
from govor_transformers.families.voxtral import Voxtral
from govor_transformers.families.whisper import Whisper
from govor_transformers.files.repository import Contents, examine
from govor_transformers.files.tokenization import check_tokenizer
from govor_transformers.precision import DTYPES, choose_precision
from govor_transformers.settings import ModelTable, TransformersSettings

CLASSES: dict[str, Any] = {
    "whisper": transformers.WhisperForConditionalGeneration,
    "sequence": transformers.AutoModelForSpeechSeq2Seq,
    "ctc": transformers.AutoModelForCTC,
    "voxtral": transformers.VoxtralForConditionalGeneration,
}
FAMILIES: dict[str, Callable[[Model], Family]] = {
    "whisper": Whisper,
    "sequence": Sequences,
    "ctc": CTC,
    "voxtral": Voxtral,
}
GPU_ROWS = {"whisper": 16, "sequence": 16, "ctc": 32, "voxtral": 8}
FOR_TRAINING = ("masked_spec_embed",)
"""Weights that published files may lack: they are not used here."""

SILENT_PEAK = 1e-4
"""-80 dB, below any microphone's noise. Models that write sentences make up text for less."""


def load_recognizer(
    spec: govor.ModelSpec,
    folder: Path,
    runtime: govor.RuntimeOptions,
    settings: TransformersSettings,
    table: ModelTable | None,
) -> Recognizer:
    """Load the model in `folder`. Raises LoadFailed."""
    device: torch.device = govor.choose_torch_device(torch, runtime.device, family="transformers")
    trusted = table is not None and table.trust_remote_code
    contents = examine(spec, folder, trusted=trusted)
    check_tokenizer(spec, folder)
    precision = choose_precision(runtime.precision, settings.precision, device, contents.family)
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        network = _read_weights(spec, folder, contents, DTYPES[precision])
        adapters = dict(table.adapters) if table else {}
        model = Model(network.to(device).eval(), folder, spec.languages, contents.has_code, adapters)
        family = FAMILIES[contents.family](model)
    except govor.GovorError:
        raise
    except Exception as error:  # these libraries raise any exception for a wrong file
        raise govor.LoadFailed(f"The model '{spec.id}' in {folder} cannot be loaded: {error}") from error
    threads = runtime.threads or settings.threads
    reached = govor.RuntimeOptions(str(device), threads, 1, precision)
    rows = settings.batch_size or GPU_ROWS[contents.family]
    kind = DetectingRecognizer if isinstance(family, Whisper) and len(spec.languages) != 1 else Recognizer
    return kind(family, reached, rows)


def _read_weights(spec: govor.ModelSpec, folder: Path, contents: Contents, dtype: torch.dtype) -> Any:
    """Return the network with every weight from the files: missing ones would be random."""
    network, report = CLASSES[contents.family].from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=contents.has_code,
        output_loading_info=True,
    )
    missing = [name for name in report["missing_keys"] if not name.endswith(FOR_TRAINING)]
    missing += [str(name) for name in report["mismatched_keys"]]
    if missing:
        shown = ", ".join(sorted(missing)[:3])
        raise govor.LoadFailed(
            f"The safetensors of '{spec.id}' do not fit its config.json: {len(missing)} weights are lacking "
            f"or of another shape, such as {shown}."
        )
    return network


class Recognizer:
    """A loaded model; one call at a time."""

    capabilities: frozenset[govor.Capability] = frozenset()

    def __init__(self, family: Family, runtime: govor.RuntimeOptions, gpu_rows: int):
        """`gpu_rows` arrays are processed at once on a GPU. A CPU takes them one by one: it gains nothing."""
        self._family = family
        on_cpu = runtime.device == "cpu"
        # torch does not know a container's quota, nor the operator's limit for models.
        self._threads = runtime.threads or min(torch.get_num_threads(), govor.usable_cores())
        self.info = govor.RecognizerInfo(
            runtime,
            batch=1 if on_cpu or not family.takes_batches else gpu_rows,
            cores=self._threads if on_cpu else 1,
            capabilities=self.capabilities,
        )

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[list[govor.Segment]]:
        self._set_threads()
        audible = [index for index, audio in enumerate(batch) if abs(audio).max(initial=0) >= SILENT_PEAK]
        by_length = sorted(audible, key=lambda index: len(batch[index]))
        segments: list[list[govor.Segment]] = [[] for _ in batch]
        rows = self.info.batch
        for start in range(0, len(by_length), rows):
            alike = by_length[start : start + rows]
            with torch.inference_mode():
                found = self._family.transcribe([batch[index] for index in alike], options)
            for index, segment in zip(alike, found, strict=True):
                segments[index] = [segment] if segment.text else []
        return segments

    def close(self) -> None:
        self._family.close()

    def _set_threads(self) -> None:
        torch.set_num_threads(self._threads)  # each thread that calls keeps its own number


class DetectingRecognizer(Recognizer):
    """A recognizer for several languages that detects them: Whisper."""

    capabilities = frozenset({govor.Capability.DETECT})

    def detect(self, audio: govor.Audio) -> list[tuple[str, float]]:
        """Return the languages by probability: one run of the encoder and one step of the decoder."""
        if abs(audio).max(initial=0) < SILENT_PEAK or not isinstance(self._family, Whisper):
            return []
        self._set_threads()
        with torch.inference_mode():
            return self._family.detect(audio)
