"""The models on offer: names, features, error rates, and sources of files. Pure data.

The md5 are upstream's own (the table in gigaam/__init__.py); sizes and sha256 are from public records of the
same files, if there are any.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from govor import Feature, ModelFile, ModelSpec
from govor_gigaam_torch.settings import ModelTable

CDN = "https://cdn.chatwm.opensmodel.sberdevices.ru/GigaAM"
MAX_SECONDS = 25.0
"""Upstream refuses longer audio, and quality falls: the models were trained on less."""

EDGE_PADDING = 0.5
"""Measured with the miniature: fewest words are lost at the edges of a recording."""

RUSSIAN = ("ru",)
MULTILINGUAL = ("ru", "en", "kk", "ky", "uz")
MEMORY, LARGE_MEMORY = 1_000_000_000, 2_500_000_000
"""Bytes of the weights in float32 and of the working memory for one segment."""


AVERAGE = "average of 10 Russian sets"
STRIPPED = f"{AVERAGE}, without punctuation"


def _fleurs(**rates: float) -> tuple[tuple[str, float], ...]:
    return tuple((f"FLEURS {language}", rate) for language, rate in rates.items())


SIZES = {"v1": 470, "v2": 470, "v3": 445, "multilingual": 445, "multilingual_large": 1175}
"""10^6 bytes of a checkpoint: its weights are in half precision."""


class Row(NamedTuple):
    """One model; its id is `gigaam-NAME` with hyphens, its first alias NAME, which is upstream's."""

    name: str
    md5: str
    wer: tuple[tuple[str, float], ...]
    description: str
    aliases: tuple[str, ...] = ()
    size: int = 0
    sha256: str = ""


ROWS = (
    Row("v3_ctc", "73413e7be9c6a5935827bfab5c0dd678", ((AVERAGE, 9.1),),
        "Russian; lower case without punctuation; fast", ("ctc",)),
    Row("v3_rnnt", "0fd2c9a1ff66abd8d32a3a07f7592815", ((AVERAGE, 8.3),),
        "Russian; lower case without punctuation; fewest errors", ("rnnt",)),
    Row("v3_e2e_ctc", "367074d6498f426d960b25f49531cf68", ((STRIPPED, 12.0),),
        "Russian; punctuation, capitals and numbers; fast", ("e2e_ctc",), 442_404_646),
    Row("v3_e2e_rnnt", "2730de7545ac43ad256485a462b0a27a", ((STRIPPED, 11.2),),
        "Russian; punctuation, capitals and numbers; fewest errors of these", ("e2e_rnnt", "gigaam"),
        448_929_252,
        "f60c62fe45902d967000770a12f260de7c5ac4d4b8e5e852f1df8c548e3958b5"),
    Row("v2_ctc", "e00f59cb5d39624fb30d1786044795bf", ((AVERAGE, 11.1),),
        "Russian; lower case without punctuation; the generation before v3"),
    Row("v2_rnnt", "547460139acfebd842323f59ed54ab54", ((AVERAGE, 10.6),),
        "Russian; lower case without punctuation; the generation before v3",
        sha256="3d5674d8b59813d455e34c8ce1c5a7ca4da63fa0f32bcd32b1c37a1224d17b8b"),
    Row("v1_ctc", "f027f199e590a391d015aeede2e66174", ((AVERAGE, 14.2),),
        "Russian; lower case without punctuation; the first generation"),
    Row("v1_rnnt", "02c758999bcdc6afcb2087ef256d47ef", ((AVERAGE, 13.8),),
        "Russian; lower case without punctuation; the first generation"),
    Row("multilingual_ctc", "5379d887c53ccd9cb95981e2a1832720",
        _fleurs(ru=4.4, kk=5.2, ky=7.0, uz=10.0, en=12.2),
        "Russian, English, Kazakh, Kyrgyz, Uzbek; lower case without punctuation or digits"),
    Row("multilingual_large_ctc", "79a9adde50dd7f35bbf70927cb6557d0",
        _fleurs(ru=3.0, kk=4.4, ky=5.5, uz=7.3, en=9.4),
        "Like multilingual-ctc, nearly three times its size, fewer errors"),
)  # fmt: skip

TOKENIZERS = {
    "v1_rnnt": (0, ""),
    "v3_e2e_ctc": (240_941, "0b9a1960898fbfdf5424ab852ea17445eb3da960fba23e977ff100eb0054fbc8"),
    "v3_e2e_rnnt": (255_336, "828c12c991019eef952a960661f25a92d6ad279591e2ea466b4aeddf1d20a18a"),
}
"""Bytes and sha256 of the SentencePiece files; the other models have characters."""


def specs(own: Sequence[ModelTable], *, details: bool) -> tuple[ModelSpec, ...]:
    """Return every model. The first file of each is its checkpoint, the second, if any, its tokenizer.

    `own` are the operator's models; `details` says whether words and log-probabilities are available.
    """
    features = frozenset({Feature.WORDS, Feature.LOGPROBS} if details else ())
    return (*(_published(row, features) for row in ROWS), *(_own(table, features) for table in own))


def _published(row: Row, features: frozenset[Feature]) -> ModelSpec:
    return ModelSpec(
        id=f"gigaam-{row.name.replace('_', '-')}",
        files=_files(row),
        languages=MULTILINGUAL if row.name.startswith("multilingual") else RUSSIAN,
        aliases=(row.name, *row.aliases),
        features=features | {Feature.PUNCTUATION} if "e2e" in row.name else features,
        max_seconds=MAX_SECONDS,
        edge_padding=EDGE_PADDING,
        size_estimate=SIZES[row.name.removesuffix("_ctc").removesuffix("_rnnt").removesuffix("_e2e")] * 10**6,
        memory=LARGE_MEMORY if "large" in row.name else MEMORY,
        description=row.description,
        licence="MIT",
        wer=row.wer,
    )


def _files(row: Row) -> tuple[ModelFile, ...]:
    name = f"{row.name}.ckpt"
    checkpoint = ModelFile(name, (f"{CDN}/{name}",), row.size, row.sha256, row.md5)
    if row.name not in TOKENIZERS:
        return (checkpoint,)
    name = f"{row.name}_tokenizer.model"
    return (checkpoint, ModelFile(name, (f"{CDN}/{name}",), *TOKENIZERS[row.name]))


def _own(table: ModelTable, features: frozenset[Feature]) -> ModelSpec:
    names = (table.checkpoint, table.tokenizer) if table.tokenizer else (table.checkpoint,)
    return ModelSpec(
        id=table.id,
        files=tuple(ModelFile(name, ()) for name in names),
        languages=table.languages,
        aliases=table.aliases,
        features=features | {Feature.PUNCTUATION} if table.punctuation else features,
        max_seconds=MAX_SECONDS,
        edge_padding=EDGE_PADDING,
        description=table.description,
        folder=str(Path(table.folder).expanduser()),
    )
