"""What a model is before it is loaded: its files, what it can do, where it runs. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Feature(StrEnum):
    """What a model can do beyond plain text."""

    WORDS = "words"  # times of single words
    LOGPROBS = "logprobs"  # log-probability of every token
    PUNCTUATION = "punctuation"  # writes punctuation and capitals
    TRANSLATE = "translate"  # speech in any language to English text
    PROMPT = "prompt"  # text that precedes the recording
    KEYWORDS = "keywords"  # words to expect
    TEMPERATURE = "temperature"  # sampling temperature
    DETECT = "detect"  # tells the spoken language


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. The core fetches and verifies it; a plugin only names it."""

    name: str
    """Path inside the model's folder, with forward slashes."""
    sources: tuple[str, ...]
    """Tried in order. `package:DIST/PATH[+PATH2...]` (a file of an installed distribution; parts are
    joined; a part of another distribution is written `DIST2:PATH2`), `hf:OWNER/REPO@REVISION/PATH`,
    `https://...`."""
    size: int = 0
    """Bytes; 0 where the publisher states none."""
    sha256: str = ""
    """Hex digest; empty where the publisher states none: then recorded at the first fetch."""
    md5: str = ""
    """Hex digest, for publishers who state only this one."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that can be served. Pure data: nothing is imported, read or loaded to make one."""

    id: str
    """What clients send as `model`."""
    files: tuple[ModelFile, ...] = ()
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; empty: any."""
    aliases: tuple[str, ...] = ()
    features: frozenset[Feature] = frozenset()
    max_seconds: float = 30.0
    """Longest array the core may hand to the recognizer."""
    edge_padding: float = 0.0
    """Seconds of quiet noise that the core adds where a recording begins or ends amid a word, for models that
    lose that word; 0: none. Times are those of the recording all the same."""
    memory: int = 0
    """Bytes when loaded, estimated; 0: unknown."""
    size_estimate: int = 0
    """Bytes to fetch, estimated, for people to choose by where `files` do not state them all; 0: unknown."""
    description: str = ""
    licence: str = ""
    wer: tuple[tuple[str, float], ...] = ()
    """Published word error rates: (test set, percent)."""
    vocabulary: int = 0
    """How many tokens there are, the blank included; 0: unknown."""
    folder: str = ""
    """A folder of the operator's that is used as it is; `files` must lie there and are not fetched."""
    repository: str = ""
    """`OWNER/REPO@REVISION` of the Hugging Face hub, where `files` are not known before its list is read. Of
    that list `Adopting.choose_files` says which ones are the model."""

    @property
    def size(self) -> int:
        """Bytes of all files, as far as they are stated."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how one model runs: what the operator wishes of it, or what came of the wish."""

    device: str = "auto"
    """"cpu", "cuda", "cuda:1", "mps"; "auto": the best that is there."""
    threads: int = 0
    """CPU threads of one call; 0: the backend chooses. One whose threads are fixed may take others."""
    workers: int = 0
    """Calls at once on the loaded model; 0: the backend chooses. One that allows fewer has fewer."""
    precision: str = "auto"
    """Numbers to compute with: "fp32", "fp16", "bf16", "int8" or a name of the backend's own; "auto":
    the backend chooses."""
