"""A model before it is loaded: its files, its features, its runtime options. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Feature(StrEnum):
    """A capability of a model beyond plain text."""

    WORDS = "words"  # times of single words
    LOGPROBS = "logprobs"  # log-probability of every token
    PUNCTUATION = "punctuation"  # writes punctuation and capitals
    TRANSLATE = "translate"  # speech in any language to English text
    PROMPT = "prompt"  # text that precedes the recording
    KEYWORDS = "keywords"  # words to expect
    TEMPERATURE = "temperature"  # sampling temperature
    DETECT = "detect"  # recognises the spoken language
    ITN = "itn"  # writes numbers in digits, for models of the kind TEXT


class ModelKind(StrEnum):
    """The kind of work that a model does."""

    TRANSCRIPTION = "transcription"  # speech to text
    DIARIZATION = "diarization"  # who speaks when
    VAD = "vad"  # where there is speech
    TEXT = "text"  # text to better text


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. The core fetches and verifies it; a plugin only names it."""

    name: str
    """Path inside the model's folder, with forward slashes."""
    sources: tuple[str, ...]
    """Tried in order. `package:DIST/PATH[+PATH2...]` (a file of an installed distribution; parts are
    joined; a part of another distribution is written `DIST2:PATH2`), `hf:OWNER/REPO@REVISION/PATH`,
    `https://...`.
    """
    size: int = 0
    """Bytes; 0 if the publisher states none."""
    sha256: str = ""
    """Hex digest; empty if the publisher states none: the first fetch then records it."""
    md5: str = ""
    """Hex digest, if the publisher states only this one."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A model in one precision: its files and its needs."""

    precision: str
    """As in `RuntimeOptions.precision`."""
    files: tuple[ModelFile, ...]
    """All files of the model in this precision."""
    memory: int = 0
    """Bytes when loaded, estimated; 0: unknown."""
    size_estimate: int = 0
    """Estimated bytes to fetch, shown to users if `files` do not state all sizes; 0: unknown."""

    @property
    def size(self) -> int:
        """Bytes of all files whose size is stated."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that can be served. Pure data: nothing is imported, read or loaded to make one."""

    id: str
    """The name that clients send as `model`."""
    files: tuple[ModelFile, ...] = ()
    """All of them lie in the model's folder before it is loaded."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; empty: any."""
    aliases: tuple[str, ...] = ()
    """Other names that clients may send."""
    features: frozenset[Feature] = frozenset()
    """Its abilities beyond plain text. The core asks it for nothing else."""
    max_seconds: float = 30.0
    """Longest array the core may hand to the recognizer."""
    edge_padding: float = 0.0
    """Seconds of quiet noise that the core adds if a recording begins or ends amid a word, for models that
    lose that word; 0: none. Times remain those of the recording.
    """
    memory: int = 0
    """Bytes when loaded, estimated; 0: unknown."""
    size_estimate: int = 0
    """Estimated bytes to fetch, shown to users if `files` do not state all sizes; 0: unknown."""
    description: str = ""
    """One line for lists of models."""
    licence: str = ""
    """Of the weights, as an SPDX identifier if there is one."""
    wer: tuple[tuple[str, float], ...] = ()
    """Published word error rates: (test set, percent)."""
    vocabulary: int = 0
    """Number of tokens, the blank included; 0: unknown."""
    folder: str = ""
    """A folder of the operator's that is used as it is; `files` must lie there and are not fetched."""
    repository: str = ""
    """`OWNER/REPO@REVISION` on the Hugging Face hub, for a model whose `files` are known only once the
    repository's list has been read. `Adopting.choose_files` selects the model's files from that list.
    """
    kind: ModelKind = ModelKind.TRANSCRIPTION
    """Its work: that of the hook whose family lists it."""
    derived: tuple[str, ...] = ()
    """Patterns of the files that `load` writes into `derived_folder`, as "*.optimised.onnx"; empty: none.
    They are deleted with the model.
    """
    variants: tuple[Variant, ...] = ()
    """The precisions in which the model is offered, the default one first; empty: there is only one.
    With variants leave `files`, `memory` and `size_estimate` empty. `load` then gets those of the variant
    that the operator's `precision` names, or of the first if it names none of them.
    """

    @property
    def size(self) -> int:
        """Bytes of all files whose size is stated."""
        return sum(file.size for file in self.files)

    def in_precision(self, precision: str) -> ModelSpec:
        """Return the model with the files and the needs of the variant for a precision."""
        if not self.variants:
            return self
        named = (variant for variant in self.variants if variant.precision == precision)
        chosen = next(named, self.variants[0])
        return replace(self, files=chosen.files, memory=chosen.memory, size_estimate=chosen.size_estimate)


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """Where and how one model runs: as the operator asks, or as the backend has set it up."""

    device: str = "auto"
    """"cpu", "cuda", "cuda:1", "mps"; "auto": the best that the machine has."""
    threads: int = 0
    """CPU threads of one call; 0: the backend chooses. A backend whose number is fixed may ignore it."""
    workers: int = 0
    """Calls at once on the loaded model; 0: the backend chooses. A backend that allows fewer uses fewer."""
    precision: str = "auto"
    """Number format of the computation: "fp32", "fp16", "bf16", "int8" or a name of the backend's own;
    "auto": the backend chooses.
    """

    def or_else(self, asked: RuntimeOptions) -> RuntimeOptions:
        """Return these options, and for those with their default the ones that were asked for."""
        return RuntimeOptions(
            asked.device if self.device == "auto" else self.device,
            self.threads or asked.threads,
            self.workers or asked.workers,
            asked.precision if self.precision == "auto" else self.precision,
        )
