"""The version of the contract, and the names of version 0.1 for plugins that are written for it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from traceback import walk_tb
from types import SimpleNamespace
from typing import Protocol, runtime_checkable

from govor.contract.models import RuntimeOptions
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Token, Word, segment_from_tokens

CONTRACT = (1, 0)
"""Version of the contract between the core and its plugins: major, minor.

A plugin's module states the version that it is written for as `GOVOR_CONTRACT`, a literal; without it, 1.0 is
assumed. Minor versions only add: fields with defaults, hooks, capabilities, names.
"""

UNSTATED = (1, 0)

log = logging.getLogger("govor")


def check_contract(module: object) -> None:
    """Check the version of the contract that a plugin states. Raises ValueError, with what to upgrade."""
    stated: object = getattr(module, "GOVOR_CONTRACT", UNSTATED)
    match stated:
        case (int() as major, int() as minor) if isinstance(stated, tuple):
            pass
        case _:
            raise ValueError(f"its GOVOR_CONTRACT is {stated!r}: write the version as {CONTRACT}")
    if major < CONTRACT[0]:
        upgrade = "upgrade the plugin"
    elif (major, minor) > CONTRACT:
        upgrade = "upgrade Govor"
    else:
        return
    own = ".".join(map(str, CONTRACT))
    raise ValueError(f"it is written for contract {major}.{minor}, and this Govor has {own}: {upgrade}")


def check_failed_import(error: ImportError | AttributeError) -> None:
    """Check the contract of a module that has failed at a name. Raises ValueError, with what to upgrade.

    A plugin for a later contract uses names that this one lacks, often before it has stated the version.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if "GOVOR_CONTRACT" in frame.f_globals:
            check_contract(SimpleNamespace(GOVOR_CONTRACT=frame.f_globals["GOVOR_CONTRACT"]))
    if isinstance(error, ImportError) and error.name == "govor":
        told = str(error).partition(" (")[0]
        raise ValueError(f"{told}: the name is misspelt, or the plugin is for a later Govor: upgrade Govor")


@runtime_checkable
class Placed(Protocol):
    """A recognizer of version 0.1 that reports where it runs."""

    placement: RuntimeOptions


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The tokens of one utterance, in order."""

    tokens: Sequence[Token]
    spaces_separate: bool = False

    @property
    def text(self) -> str:
        """The joined tokens, without surrounding spaces."""
        return self._segment(None).text

    @property
    def avg_logprob(self) -> float | None:
        """The mean over the tokens whose log-probability is known."""
        return self._segment(None).avg_logprob

    def words(self, language: str | None = None) -> tuple[Word, ...]:
        """Return the words."""
        return self._segment(language).words or ()

    def segment(self, options: Options, language: str | None = None) -> Segment:
        """Return the utterance as a segment, with all that is known."""
        return self._segment(language)

    def _segment(self, language: str | None) -> Segment:
        return segment_from_tokens(self.tokens, language=language, spaces_separate=self.spaces_separate)


OLD_NAMES: dict[str, tuple[object, str]] = {
    "Placement": (RuntimeOptions, "RuntimeOptions"),
    "Placed": (Placed, "RecognizerInfo.runtime"),
    "DecodedToken": (Token, "Token"),
    "DecodedText": (DecodedText, "segment_from_tokens"),
}
"""The meaning of each old name, and the name that replaces it. The next minor version will not have them."""


def old_name(name: str) -> object:
    """Return what an old name of `govor` stands for, with a warning. Raises KeyError."""
    meaning, now = OLD_NAMES[name]
    warn_of_old(f"govor.{name} is a name of version 0.1: use govor.{now}")
    return meaning


def warn_of_old(text: str) -> None:
    """Warn the author of a plugin, and the operator in the log."""
    text = f"{text}. The next minor version of Govor will not have it."
    warnings.warn(text, DeprecationWarning, stacklevel=4)
    log.warning("DeprecationWarning: %s", text)
