"""The models on offer: names, features, error rates and sources of files. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from govor import Feature, ModelFile, ModelSpec, Variant
from govor_gigaam_onnx.files.naming import DERIVED
from govor_gigaam_onnx.files.repositories import FILES
from govor_gigaam_onnx.settings import PUBLISHED_INT8, ModelTable

MAX_SECONDS = 25.0
"""Upstream refuses longer audio: the models were trained on less than 30 s."""

EDGE_PADDING = 0.5
"""Measured with the miniature: fewest words are lost at the edges of a recording."""

RUSSIAN = ("ru",)
MULTILINGUAL = ("ru", "kk", "ky", "uz", "en")

PLAIN = frozenset({Feature.WORDS, Feature.LOGPROBS})
PUNCTUATED = PLAIN | {Feature.PUNCTUATION}

VOCABULARIES = {"e2e-rnnt": 1025, "e2e-ctc": 257, "large-ctc": 71, "multilingual-ctc": 71}
"""Number of tokens with the blank, by the end of a name; the other models write 33 characters."""

TEN_SETS = "average of 10 Russian sets"
STRIPPED = f"{TEN_SETS}, without punctuation"
"""Word error rates of models that write punctuation: not comparable with those that write none."""

BESIDE_MB = 200
"""10^6 bytes that a model takes beside the weights of its files."""

FLEURS = tuple(f"FLEURS {code}" for code in ("ru", "kk", "ky", "uz", "en"))


class Row(NamedTuple):
    """One model as trained. Its id is `gigaam-NAME`, its first alias NAME with underscores."""

    name: str
    languages: tuple[str, ...]
    features: frozenset[Feature]
    download_mb: tuple[int, int]
    """10^6 bytes of its files in float32 and in int8."""
    memory_mb: int
    """10^6 bytes when loaded, in the int8 that this plugin makes of the float32 files."""
    wer: tuple[tuple[str, float], ...]
    """Upstream's figures, in percent."""
    aliases: tuple[str, ...]
    description: str


ROWS = (
    Row("v3-e2e-rnnt", RUSSIAN, PUNCTUATED, (892, 226), 410, ((STRIPPED, 11.2),), ("e2e_rnnt", "gigaam"),
        "Russian with punctuation, capitals and digits; the best text to read"),
    Row("v3-rnnt", RUSSIAN, PLAIN, (890, 226), 400, ((TEN_SETS, 8.3),), ("rnnt",),
        "Russian in plain lower-case words; the fewest errors"),
    Row("v3-ctc", RUSSIAN, PLAIN, (885, 225), 400, ((TEN_SETS, 9.1),), ("ctc",),
        "Russian in plain lower-case words; a little faster than rnnt, a little worse"),
    Row("v3-e2e-ctc", RUSSIAN, PUNCTUATED, (886, 225), 400, ((STRIPPED, 12.0),), ("e2e_ctc",),
        "Russian with punctuation, capitals and digits; a little faster than e2e-rnnt, a little worse"),
    Row("multilingual-ctc", MULTILINGUAL, PLAIN, (886, 225), 400,
        tuple(zip(FLEURS, (4.4, 5.2, 7.0, 10.0, 12.2), strict=True)), (),
        "Russian, Kazakh, Kyrgyz, Uzbek and English in plain lower-case words"),
    Row("multilingual-large-ctc", MULTILINGUAL, PLAIN, (2345, 592), 800,
        tuple(zip(FLEURS, (3.0, 4.4, 5.5, 7.3, 9.4), strict=True)), (),
        "Russian, Kazakh, Kyrgyz, Uzbek and English in plain lower-case words; the largest and best at them"),
    Row("v2-rnnt", RUSSIAN, PLAIN, (938, 237), 1130, ((TEN_SETS, 10.6),), (),
        "Russian in plain lower-case words; of 2024, slower and worse than v3"),
    Row("v2-ctc", RUSSIAN, PLAIN, (933, 236), 1130, ((TEN_SETS, 11.1),), (),
        "Russian in plain lower-case words; of 2024, slower and worse than v3"),
)  # fmt: skip


def specs(tables: Sequence[ModelTable]) -> tuple[ModelSpec, ...]:
    """Return every model, the operator's own first. Raises ValueError for a table that means no model."""
    known = [_published(row) for row in ROWS]
    ids = {spec.id for spec in known}
    unknown = [table.id for table in tables if table.folder is None and table.id not in ids]
    if unknown:
        raise ValueError(
            f"[[plugins.gigaam-onnx.models]] {', '.join(unknown)}: a model of your own needs a folder"
        )
    return (*(_own(table) for table in tables if table.folder is not None), *known)


def _published(row: Row) -> ModelSpec:
    base, name = f"gigaam-{row.name}", row.name.replace("-", "_")
    return ModelSpec(
        id=base,
        languages=row.languages,
        aliases=(name, *row.aliases, f"{base}-int8", f"{base}@int8"),
        features=row.features,
        max_seconds=MAX_SECONDS,
        edge_padding=EDGE_PADDING,
        description=row.description,
        licence="MIT",
        wer=row.wer,
        derived=DERIVED,
        vocabulary=next((size for end, size in VOCABULARIES.items() if row.name.endswith(end)), 34),
        variants=_variants(base, row),
    )


def _variants(base: str, row: Row) -> tuple[Variant, ...]:
    """Return what a CPU can compute: the plugin's own int8 is the fastest, the publisher's the smallest."""
    exact, small = row.download_mb
    return (
        _variant("int8", base, row.memory_mb, exact),
        _variant("fp32", base, max(row.memory_mb, exact + BESIDE_MB), exact),
        _variant(PUBLISHED_INT8, f"{base}-int8", small + BESIDE_MB, small),
    )


def _variant(precision: str, files: str, memory_mb: int, download_mb: int) -> Variant:
    repository, pins = FILES[files]
    return Variant(
        precision,
        tuple(ModelFile(name, (f"{repository}/{name}",), size, sha256) for name, size, sha256 in pins),
        memory_mb * 10**6,
        download_mb * 10**6,
    )


def adopted(spec: ModelSpec) -> ModelSpec:
    """Complete an operator's model with the values of the Russian models without punctuation."""
    return replace(
        spec,
        languages=spec.languages or RUSSIAN,
        features=spec.features or PLAIN,
        max_seconds=MAX_SECONDS,
        edge_padding=EDGE_PADDING,
        derived=DERIVED,
    )


def _own(table: ModelTable) -> ModelSpec:
    return ModelSpec(
        id=table.id,
        languages=table.languages,
        aliases=table.aliases,
        features=PUNCTUATED if table.punctuation else PLAIN,
        max_seconds=MAX_SECONDS,
        edge_padding=EDGE_PADDING,
        description="your own",
        folder=str(table.folder),
        derived=DERIVED,
    )
