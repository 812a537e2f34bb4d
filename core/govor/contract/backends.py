"""Families of models: each lists its models and loads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Recognizer, VoiceDetector
from govor.contract.streaming import Streaming

LoadedModel_co = TypeVar("LoadedModel_co", covariant=True)


class ModelFamily(Protocol[LoadedModel_co]):
    """The models of one plugin and one kind."""

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that this family can serve. Takes less than 10 ms: no I/O, no heavy import."""
        ...

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> LoadedModel_co:
        """Load a model whose files all lie in `folder`, verified. May take minutes; runs in a thread.

        Raises LoadFailed if the machine lacks the device or the precision is impossible; the message names
        what there is. Only "auto" may become another device or precision.
        """
        ...


class Backend(ModelFamily[Recognizer | Streaming], Protocol):
    """A family of models that turn speech into text."""


class VoiceDetection(ModelFamily[VoiceDetector], Protocol):
    """A family of models that tell speech from silence. The first that is installed and loads is used."""


@runtime_checkable
class Adopting(Protocol):
    """A Backend that also serves models it does not list, which an operator declares or pulls by name."""

    def choose_files(self, names: Sequence[str]) -> Sequence[str]:
        """Return those of a repository's file names that make one model; none: it is not of this family.

        Raises ValueError, with the reason as a clause, if the repository is of this family but cannot be
        used.
        """

    def adopt(self, spec: ModelSpec) -> ModelSpec:
        """Fill in fields that the operator left out and the family determines. Raises ValueError."""
