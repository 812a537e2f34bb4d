"""GigaAM for Govor, run by torch: every published checkpoint and fine-tuned ones.

Light to import: `recognizer` or `upstream` imports torch when the first model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import govor

GOVOR_CONTRACT = (1, 0)

if TYPE_CHECKING:
    from govor_gigaam_torch.settings import GigaAMTorchSettings


class GigaAMTorch:
    """The GigaAM models as upstream publishes and trains them."""

    def __init__(self, settings: GigaAMTorchSettings):
        from govor_gigaam_torch.catalogue import specs  # numpy, which `govor export` does not need at once

        self._settings = settings
        self._specs = specs(settings.models, details=settings.implementation == "govor")

    def models(self) -> Sequence[govor.ModelSpec]:
        return self._specs

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Recognizer:
        """Load a checkpoint. Raises LoadFailed: no such device or precision, a damaged or other file."""
        if self._settings.implementation == "upstream":
            from govor_gigaam_torch.upstream import load_upstream  # imports torch and gigaam

            return load_upstream(spec, folder, runtime, self._settings)
        from govor_gigaam_torch.recognizer import load_recognizer  # imports torch

        return load_recognizer(spec, folder, runtime, self._settings)


@govor.hookimpl
def backend(settings: Mapping[str, Any]) -> govor.Backend:
    from govor_gigaam_torch.settings import read_settings  # pydantic, which `govor export` does not need

    return GigaAMTorch(read_settings(settings))
