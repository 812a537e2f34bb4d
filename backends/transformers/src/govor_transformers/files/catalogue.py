"""The models known by name, and default values for the operator's. Pure data.

No sizes or hashes are stated: the core reads a repository's files from the hub when it is first pulled, and
keeps to that commit. Ids of models that other plugins run too end in -torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from govor import Feature, ModelFile, ModelSpec
from govor_transformers.settings import ModelTable

ENGLISH = ("en",)
WHISPER_99 = """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht
    hu hy id is it ja jv ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl
    ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh
"""
MULTILINGUAL = tuple(WHISPER_99.split())
WITH_CANTONESE = (*MULTILINGUAL, "yue")
VOXTRAL = ("en", "es", "fr", "pt", "hi", "de", "nl", "it")

WRITES = frozenset({Feature.LOGPROBS, Feature.PUNCTUATION, Feature.TEMPERATURE})
PROMPTED = WRITES | {Feature.WORDS, Feature.PROMPT, Feature.KEYWORDS}
FEATURES = {
    "whisper": PROMPTED | {Feature.DETECT, Feature.TRANSLATE},
    "sequence": WRITES,
    "ctc": frozenset({Feature.WORDS, Feature.LOGPROBS}),
    "voxtral": WRITES,
}
MAX_SECONDS = {"whisper": 30.0, "sequence": 30.0, "ctc": 60.0, "voxtral": 120.0}
"""Whisper takes 30 s. Moonshine's answer ends with 194 tokens, which are 30 s of speech. The work of CTC
models grows with the square of the length. Voxtral takes windows of 30 s, several in one request.
"""

NAMES = (
    ("voxtral", re.compile(r"voxtral", re.IGNORECASE)),
    ("whisper", re.compile(r"whisper|distil-(?:small|medium|large)", re.IGNORECASE)),
    ("sequence", re.compile(r"moonshine", re.IGNORECASE)),
    ("ctc", re.compile(r"wav2vec2|hubert|wavlm|mms-|unispeech|data2vec", re.IGNORECASE)),
)
"""The family that a repository's name suggests, as long as its config.json has not been read."""

MMS_FILES = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "vocab.json",
    "model.safetensors",
)


class Row(NamedTuple):
    """One model of the hub."""

    id: str
    repository: str
    family: str
    size_mb: int
    """10^6 bytes of its weights."""
    languages: tuple[str, ...]
    licence: str
    description: str
    without: frozenset[Feature] = frozenset()
    """Features of its family that it lacks."""


NO_CHOICE = frozenset({Feature.DETECT, Feature.TRANSLATE})
NO_TRANSLATION = frozenset({Feature.TRANSLATE})

ROWS = (
    Row("whisper-tiny-torch", "openai/whisper-tiny", "whisper", 151, MULTILINGUAL, "Apache-2.0",
        "99 languages; the smallest Whisper"),
    Row("whisper-base-torch", "openai/whisper-base", "whisper", 290, MULTILINGUAL, "Apache-2.0",
        "99 languages; small and quick"),
    Row("whisper-small-torch", "openai/whisper-small", "whisper", 967, MULTILINGUAL, "Apache-2.0",
        "99 languages; a clear step above base"),
    Row("whisper-medium-torch", "openai/whisper-medium", "whisper", 3060, MULTILINGUAL, "Apache-2.0",
        "99 languages; wants a GPU"),
    Row("whisper-large-v3-torch", "openai/whisper-large-v3", "whisper", 3090, WITH_CANTONESE, "Apache-2.0",
        "100 languages; the best of the family, wants a GPU"),
    Row("whisper-large-v3-turbo-torch", "openai/whisper-large-v3-turbo", "whisper", 1620, WITH_CANTONESE,
        "MIT", "100 languages; close to large-v3 and several times faster; does not translate",
        NO_TRANSLATION),
    Row("distil-large-v3-torch", "distil-whisper/distil-large-v3", "whisper", 1513, ENGLISH, "MIT",
        "English only; large-v3 cut down", NO_CHOICE),
    Row("moonshine-tiny-torch", "UsefulSensors/moonshine-tiny", "sequence", 108, ENGLISH, "MIT",
        "English; 27 million weights, work in proportion to the length"),
    Row("moonshine-base-torch", "UsefulSensors/moonshine-base", "sequence", 246, ENGLISH, "MIT",
        "English; 62 million weights, better than tiny"),
    Row("voxtral-mini", "mistralai/Voxtral-Mini-3B-2507", "voxtral", 9360, VOXTRAL, "Apache-2.0",
        "Eight languages; a language model that hears; wants a GPU of 12 GB"),
    Row("voxtral-small", "mistralai/Voxtral-Small-24B-2507", "voxtral", 48500, VOXTRAL, "Apache-2.0",
        "Eight languages; better than mini; wants a GPU of 60 GB"),
    Row("wav2vec2-base-960h", "facebook/wav2vec2-base-960h", "ctc", 378, ENGLISH, "Apache-2.0",
        "English in capitals without punctuation; small"),
)  # fmt: skip


def specs(tables: Iterable[ModelTable]) -> tuple[ModelSpec, ...]:
    """Return the operator's models, then those known by name whose id is still free."""
    own = [_declared(table) for table in tables]
    taken = {spec.id for spec in own}
    return (*own, *(_known(row) for row in ROWS if row.id not in taken))


def adopted(spec: ModelSpec) -> ModelSpec:
    """Complete a model that was declared to the core or pulled by name. Raises ValueError for plain addresses
    without config.json.
    """
    names = [file.name for file in spec.files]
    if names and "config.json" not in names:
        raise ValueError("config.json is not among its files")
    family = suggested_family(spec.repository or spec.folder or spec.id)
    return replace(
        spec,
        languages=spec.languages or (WITH_CANTONESE if family == "whisper" else ()),
        features=spec.features or FEATURES.get(family, frozenset()),
        max_seconds=MAX_SECONDS.get(family, 30.0),
    )


def suggested_family(name: str) -> str:
    """Return the family that a name suggests; "" if it suggests none."""
    return next((family for family, pattern in NAMES if pattern.search(name)), "")


def _known(row: Row) -> ModelSpec:
    return ModelSpec(
        id=row.id,
        size_estimate=row.size_mb * 10**6,
        languages=row.languages,
        features=FEATURES[row.family] - row.without,
        max_seconds=MAX_SECONDS[row.family],
        description=row.description,
        licence=row.licence,
        repository=f"{row.repository}@main",
    )


def _declared(table: ModelTable) -> ModelSpec:
    family = table.family or suggested_family(table.repository or table.folder)
    adapters = [f"adapter.{code}.safetensors" for code in table.adapters.values()]
    names = table.files or (tuple(dict.fromkeys((*MMS_FILES, *adapters))) if adapters else ())
    source = f"hf:{table.repository}@{table.revision}"
    files = tuple(ModelFile(name, (f"{source}/{name}",)) for name in names if table.repository)
    whole = table.repository and not files
    languages = tuple(table.adapters) or table.languages
    if not languages and family == "whisper":
        languages = WITH_CANTONESE
    features = frozenset(Feature(name) for name in table.features) or FEATURES.get(family, frozenset())
    return ModelSpec(
        id=table.id,
        files=files,
        languages=languages,
        aliases=table.aliases,
        features=features,
        max_seconds=MAX_SECONDS.get(family, 30.0),
        description=table.description or "your own",
        licence=table.licence,
        folder=table.folder,
        repository=f"{table.repository}@{table.revision}" if whole else "",
    )
