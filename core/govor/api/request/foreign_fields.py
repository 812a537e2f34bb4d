"""Transcription fields of other servers: those with an equivalent here are honoured, the others reported.

Of faster-whisper's servers (Speaches and others), whisper.cpp, vLLM, LocalAI.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from govor.audio.regions import SpeechRules
from govor.contract.results import Task

APART = (
    "multichannel",
    "multi_channel",
    "use_multi_channel",
    "dual_channel",
    "channel_identification",
    "enable_separate_recognition_per_channel",
)
"""Names of public services' fields for one speaker per channel."""

MEANT = {
    **dict.fromkeys(APART, "channels"),
    "detect_language": "language",
    "initial_prompt": "prompt",
    "task": "transcriptions",
    "translate": "translations",
    "vad_filter": "vad",
    "word_timestamps": "timestamp_granularities",
}
"""Fields that are honoured, each with its equivalent here; that of a task is the route it asks for."""

TASKS = frozenset({"task", "translate"})
"""Fields that count as honoured if the answer is for the task that they ask for."""

RULES = {
    "threshold": ("threshold", "vad_threshold"),
    "release": ("neg_threshold", "vad_neg_threshold"),
    "silence": ("min_silence_duration_ms", "vad_min_silence_duration_ms"),
    "minimum": ("min_speech_duration_ms", "vad_min_speech_duration_ms"),
    "padding": ("speech_pad_ms", "vad_speech_pad_ms"),
}
"""Rules for finding speech, each with its names for faster-whisper's servers and whisper.cpp."""

UNNEEDED = frozenset({"segment_size"})
"""go-whisper's; not needed, since recordings of any length are read piece by piece."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
"""A field's name that is fit for a header."""

MOST = 20
"""Most fields that one answer names."""


class ForeignFields(BaseModel):
    """Fields of other servers that are honoured. `None`: the form does not have them."""

    model_config = ConfigDict(extra="ignore")

    vad_filter: bool | None = None
    task: Literal["transcribe", "translate"] | None = None
    translate: bool | None = None
    word_timestamps: bool | None = None
    detect_language: bool | None = None
    initial_prompt: str | None = None
    apart: bool | None = Field(None, validation_alias=AliasChoices(*APART))
    threshold: float | None = Field(None, ge=0, le=1, validation_alias=AliasChoices(*RULES["threshold"]))
    release: float | None = Field(None, ge=0, le=1, validation_alias=AliasChoices(*RULES["release"]))
    silence: int | None = Field(None, ge=0, le=60_000, validation_alias=AliasChoices(*RULES["silence"]))
    minimum: int | None = Field(None, ge=0, le=60_000, validation_alias=AliasChoices(*RULES["minimum"]))
    padding: int | None = Field(None, ge=0, le=5_000, validation_alias=AliasChoices(*RULES["padding"]))

    def rules(self) -> SpeechRules | None:
        """Return rules for finding speech, with faster-whisper's defaults; None: no such field is set."""
        usual = SpeechRules()
        if not self.model_fields_set & RULES.keys():
            return None
        return SpeechRules(
            usual.threshold if self.threshold is None else self.threshold,
            usual.silence if self.silence is None else self.silence / 1000,
            usual.padding if self.padding is None else self.padding / 1000,
            usual.minimum if self.minimum is None else self.minimum / 1000,
            self.release,
        )


@dataclass(frozen=True, slots=True)
class Adopted:
    """Result of the fields of other servers."""

    done: tuple[str, ...] = ()
    """NAME=OURS for each field that is honoured, for any task."""
    left: tuple[str, ...] = ()
    """Names of fields that are not honoured."""
    tasks: tuple[tuple[str, Task], ...] = ()
    """Fields that ask for a task, each with its task; the route decides whether they are honoured."""
    rules: SpeechRules | None = None
    words: bool = False
    """Whether word times are asked for, in addition to other times."""

    @property
    def translates(self) -> bool:
        """Whether a translation is asked for."""
        return any(task == "translate" for _, task in self.tasks)

    def answered(self, task: Task) -> Adopted:
        """Return a copy for a known task: each field that asks for a task is honoured or not."""
        ours = "translations" if task == "translate" else "transcriptions"
        done = (f"{name}={ours}" for name, wanted in self.tasks if wanted == task)
        left = (name for name, wanted in self.tasks if wanted != task)
        return replace(
            self, done=tuple(sorted((*self.done, *done))), left=fit(sorted((*self.left, *left))), tasks=()
        )


KNOWN = frozenset({*MEANT, *(name for names in RULES.values() for name in names)})
"""All fields of other servers that are honoured."""


def adopt(values: dict[str, Any], own: Container[str]) -> Adopted:
    """Convert fields of other servers among `values` into `own` ones, in place; if both are set, ours counts.

    Raises ValidationError.
    """
    fields = ForeignFields.model_validate({name: values[name] for name in KNOWN & values.keys()})
    done = {name for name in KNOWN & values.keys() if name not in MEANT or _put(values, name, fields)}
    rules = None if values.get("chunking_strategy") else fields.rules()
    if rules is None:
        done -= {name for names in RULES.values() for name in names}
    honoured = tuple(f"{name}={MEANT.get(name, 'chunking_strategy')}" for name in sorted(done - TASKS))
    left = sorted(name for name in values if name not in own and name not in done)
    words = bool(fields.word_timestamps) and "word_timestamps" in done
    return Adopted(honoured, fit(left), tuple(_tasks(fields)), rules, words)


def _tasks(fields: ForeignFields) -> Iterator[tuple[str, Task]]:
    if fields.task is not None:
        yield "task", fields.task
    if fields.translate is not None:
        yield "translate", "translate" if fields.translate else "transcribe"


def unknown_names(form: Mapping[str, str], own: Container[str]) -> tuple[str, ...]:
    """Return the names of non-empty fields that the route does not have."""
    names = {name.partition("[")[0] for name, text in form.items() if text.strip()}
    return fit(sorted(name for name in names if name not in own))


def fit(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that fit a header, without UNNEEDED ones, MOST of them at most."""
    return tuple(name for name in names if NAME.fullmatch(name) and name not in UNNEEDED)[:MOST]


def _put(values: dict[str, Any], name: str, fields: ForeignFields) -> bool:
    """Set the equivalent of a field among `values`; return whether it was not set already."""
    match name:
        case "vad_filter":
            return _set(values, "vad", fields.vad_filter)
        case "initial_prompt":
            return _set(values, "prompt", fields.initial_prompt)
        case "word_timestamps":
            return "timestamp_granularities" not in values
        case "detect_language":
            if fields.detect_language:
                values.pop("language", None)
        case _ if name in APART and fields.apart:
            return _set(values, "channels", "separate")
    return True


def _set(values: dict[str, Any], name: str, value: object) -> bool:
    if name in values:
        return False
    values[name] = value
    return True
