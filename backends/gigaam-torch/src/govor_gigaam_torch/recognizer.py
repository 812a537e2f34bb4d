"""One loaded GigaAM model, run by Govor's own code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

import govor
from govor_gigaam_torch.checkpoint.assembly import build_features, build_network, build_vocabulary
from govor_gigaam_torch.checkpoint.reading import read_checkpoint
from govor_gigaam_torch.decoding.greedy import Emission, GreedyRNNT, decode_ctc
from govor_gigaam_torch.network.features import LogMel
from govor_gigaam_torch.network.heads import CTCHead
from govor_gigaam_torch.network.model import GigaAM
from govor_gigaam_torch.precision import DTYPES, choose_precision
from govor_gigaam_torch.settings import GigaAMTorchSettings

GPU_ROWS = 32
"""Most utterances in one run of the encoder on a GPU: cuDNN fails on more in the conv2d of v1 and v2. A CPU
takes them one by one: there a batch costs as much, and its padding on top.
"""


def load_recognizer(
    spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions, settings: GigaAMTorchSettings
) -> GigaAMRecognizer:
    """Load a model whose first file is the checkpoint and whose second, if any, its tokenizer.

    Raises LoadFailed: no such device, a file is damaged or does not belong to the others.
    """
    where: torch.device = govor.choose_torch_device(torch, runtime.device, family="GigaAM")
    precision = choose_precision(runtime.precision, settings.precision, where)
    reached = govor.RuntimeOptions(str(where), runtime.threads or settings.threads, 1, precision)
    checkpoint = read_checkpoint(folder / spec.files[0].name)
    front_end = torch.device("cpu") if where.type == "mps" else where  # MPS has no float64
    tokenizer = folder / spec.files[1].name if len(spec.files) > 1 else None
    return GigaAMRecognizer(
        build_network(checkpoint, where, DTYPES[precision]),
        build_features(checkpoint, front_end),
        build_vocabulary(checkpoint, tokenizer),
        spec.languages[0] if len(spec.languages) == 1 else None,
        settings,
        reached,
    )


class GigaAMRecognizer:
    """A model on its device. Its encoder computes in the given precision, features and head in float32."""

    def __init__(
        self,
        network: GigaAM,
        log_mel: LogMel,
        vocabulary: govor.Vocabulary,
        language: str | None,
        settings: GigaAMTorchSettings,
        runtime: govor.RuntimeOptions,
    ):
        """`language` is the only language of the model; None: it has several."""
        weight = next(network.encoder.parameters())
        self._device, self._dtype = weight.device, weight.dtype
        head = network.head
        self._decode_rnnt = None if isinstance(head, CTCHead) else GreedyRNNT(head, settings.max_symbols)
        self._network = network
        self._log_mel = log_mel
        self._vocabulary = vocabulary
        self._language = language
        on_cpu = self._device.type == "cpu"
        # torch does not know a container's quota, nor the operator's limit for models.
        self._threads = runtime.threads or min(torch.get_num_threads(), govor.usable_cores())
        self.info = govor.RecognizerInfo(
            runtime, batch=1 if on_cpu else GPU_ROWS, cores=self._threads if on_cpu else 1
        )

    def transcribe(self, batch: Sequence[govor.Audio], options: govor.Options) -> list[list[govor.Segment]]:
        torch.set_num_threads(self._threads)  # each thread that calls keeps its own number
        by_length = sorted(range(len(batch)), key=lambda index: len(batch[index]))
        segments: dict[int, list[govor.Segment]] = {}
        rows = self.info.batch
        for start in range(0, len(batch), rows):
            alike = by_length[start : start + rows]
            found = self._recognize([batch[index] for index in alike])
            for index, (emissions, frames) in zip(alike, found, strict=True):
                seconds = len(batch[index]) / govor.SAMPLE_RATE / frames
                segments[index] = self._segments(emissions, seconds)
        return [segments[index] for index in range(len(batch))]

    def _segments(self, emissions: Sequence[Emission], frame_seconds: float) -> list[govor.Segment]:
        segment = self._vocabulary.segment(
            [each.token for each in emissions],
            [each.logprob for each in emissions],
            frames=[each.frame for each in emissions],
            frame_seconds=frame_seconds,
            language=self._language,
        )
        return [segment] if segment.text else []

    @torch.inference_mode()
    def _recognize(self, batch: Sequence[govor.Audio]) -> list[tuple[list[Emission], int]]:
        """Return the tokens of each array, and how many encoder frames it has."""
        features, lengths = self._log_mel([torch.tensor(audio) for audio in batch])
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            encoded, lengths = self._network(features.to(self._device), lengths.to(self._device))
        encoded, head = encoded.float(), self._network.head
        if self._decode_rnnt is None:
            emissions = decode_ctc(head(encoded), lengths)
        else:
            emissions = self._decode_rnnt(encoded, lengths)
        return list(zip(emissions, lengths.tolist(), strict=True))

    def close(self) -> None:
        self._network.to("meta")  # frees the weights' memory, even if the recognizer is still referenced
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
