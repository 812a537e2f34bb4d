"""Fields that other servers take for a transcription: those that mean something here are done.

Of faster-whisper's servers (Speaches and others), whisper.cpp, vLLM, LocalAI. What is not done is named.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from govor.audio.regions import SpeechRules
from govor.contract.recognition import Task

APART = (
    "multichannel",
    "multi_channel",
    "use_multi_channel",
    "dual_channel",
    "channel_identification",
    "enable_separate_recognition_per_channel",
)
"""What public services call one party per channel."""

MEANT = {
    **dict.fromkeys(APART, "channels"),
    "detect_language": "language",
    "initial_prompt": "prompt",
    "task": "transcriptions",
    "translate": "translations",
    "vad_filter": "vad",
    "word_timestamps": "timestamp_granularities",
}
"""Fields that are done, and what they are called here; a task is called as what it asks for."""

TASKS = frozenset({"task", "translate"})
"""Fields that are done where the answer is what they ask for."""

RULES = {
    "threshold": ("threshold", "vad_threshold"),
    "release": ("neg_threshold", "vad_neg_threshold"),
    "silence": ("min_silence_duration_ms", "vad_min_silence_duration_ms"),
    "minimum": ("min_speech_duration_ms", "vad_min_speech_duration_ms"),
    "padding": ("speech_pad_ms", "vad_speech_pad_ms"),
}
"""How speech is told from silence, as faster-whisper's servers and whisper.cpp call it."""

UNNEEDED = frozenset({"segment_size"})
"""go-whisper's: recordings of any length are read piece by piece."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
"""What is fit for a header."""

MOST = 20
"""Fields that are named in one answer."""


class ForeignFields(BaseModel):
    """Fields of other servers that are done. `None`: the form does not have them."""

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
        """How speech is told from silence: what is not said is as in faster-whisper; None: nothing is."""
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
    """What the fields of other servers come to."""

    done: tuple[str, ...] = ()
    """NAME=OURS of those that are done, whatever the answer is."""
    left: tuple[str, ...] = ()
    """Those that are not."""
    tasks: tuple[tuple[str, Task], ...] = ()
    """What is asked for by which field; the route decides whether that is done."""
    rules: SpeechRules | None = None
    words: bool = False
    """Times of words are asked for, beside what else there is."""

    @property
    def translates(self) -> bool:
        """A translation is asked for."""
        return any(task == "translate" for _, task in self.tasks)

    def answered(self, task: Task) -> Adopted:
        """Tell which of the fields that ask for a task are done, now that it is known."""
        ours = "translations" if task == "translate" else "transcriptions"
        done = (f"{name}={ours}" for name, wanted in self.tasks if wanted == task)
        left = (name for name, wanted in self.tasks if wanted != task)
        return replace(
            self, done=tuple(sorted((*self.done, *done))), left=fit(sorted((*self.left, *left))), tasks=()
        )


KNOWN = frozenset({*MEANT, *(name for names in RULES.values() for name in names)})
"""Every field of another server that is done."""


def adopt(values: dict[str, Any], own: Container[str]) -> Adopted:
    """Turn fields of other servers into `own` ones, among `values`; what a client says in both, ours decides.

    Raises ValidationError.
    """
    fields = ForeignFields.model_validate({name: values[name] for name in KNOWN & values.keys()})
    done = {name for name in KNOWN & values.keys() if name not in MEANT or _put(values, name, fields)}
    rules = None if values.get("chunking_strategy") else fields.rules()
    if rules is None:
        done -= {name for names in RULES.values() for name in names}
    told = tuple(f"{name}={MEANT.get(name, 'chunking_strategy')}" for name in sorted(done - TASKS))
    left = sorted(name for name in values if name not in own and name not in done)
    words = bool(fields.word_timestamps) and "word_timestamps" in done
    return Adopted(told, fit(left), tuple(_tasks(fields)), rules, words)


def _tasks(fields: ForeignFields) -> Iterator[tuple[str, Task]]:
    if fields.task is not None:
        yield "task", fields.task
    if fields.translate is not None:
        yield "translate", "translate" if fields.translate else "transcribe"


def unknown_names(form: Mapping[str, str], own: Container[str]) -> tuple[str, ...]:
    """Return the fields of a form that say something and are not a route's own."""
    names = {name.partition("[")[0] for name, text in form.items() if text.strip()}
    return fit(sorted(name for name in names if name not in own))


def fit(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that a header can hold; those that need not be done are none."""
    return tuple(name for name in names if NAME.fullmatch(name) and name not in UNNEEDED)[:MOST]


def _put(values: dict[str, Any], name: str, fields: ForeignFields) -> bool:
    """Put what a field means among `values`; tell whether that had a place."""
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
