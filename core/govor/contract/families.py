"""What all kinds of models have in common before they are loaded, and the families of voice detection.

Knows nothing of files or HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from govor.contract.models import ModelSpec, Placement
from govor.contract.recognition import VoiceDetector

LoadedModel_co = TypeVar("LoadedModel_co", covariant=True)


class ModelFamily(Protocol[LoadedModel_co]):
    """The models of one plugin and one kind."""

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that this family can serve. Takes less than 10 ms: no I/O, no heavy import."""
        ...

    def load(self, spec: ModelSpec, folder: Path, placement: Placement) -> LoadedModel_co:
        """Load a model whose files all lie in `folder`, verified. May take minutes; runs in a thread.

        Raises LoadFailed if the machine lacks the device or the precision is impossible; the message names
        what there is. Only "auto" may become another device or precision.
        """
        ...


class VoiceDetection(ModelFamily[VoiceDetector], Protocol):
    """A family of models that tell speech from silence. The first that is installed and loads is used."""
