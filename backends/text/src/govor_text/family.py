"""The model `itn`: rules, without files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import govor


class InverseNormalisation:
    """The family of one model."""

    def models(self) -> Sequence[govor.ModelSpec]:
        return [
            govor.ModelSpec(
                "itn",
                kind=govor.ModelKind.TEXT,
                languages=("en", "ru"),
                features=frozenset({govor.Feature.ITN}),
                description="Writes numbers in digits",
                licence="MIT",
                memory=20_000_000,
            )
        ]

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.TextProcessor:
        from govor_text.normaliser import Normaliser  # reads the rules of CLDR

        return Normaliser()
