"""The form of a transcription request: all fields of OpenAI's API, in all spellings that clients use.

Knows nothing of models: options that a model cannot honour are found later.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from werkzeug.datastructures import MultiDict

from govor.api.request.chunking_strategy import ServerVad
from govor.api.request.foreign_fields import KNOWN, UNNEEDED, Adopted, adopt
from govor.api.request.spellings import gather, present
from govor.api.request.text_fields import TextFields
from govor.api.request.track_field import TrackFields
from govor.audio.chunking import NO_DETECTION
from govor.audio.regions import SpeechRules
from govor.contract.recognizers import Options
from govor.contract.results import Task
from govor.errors import InvalidParam
from govor.formats.languages import means_any, parse_language
from govor.formats.rendering.formats import MEDIA_TYPES, SPEAKERLESS_FORMATS, SUBTITLE_FORMATS
from govor.formats.rendering.known_formats import CORE_FORMATS, Formats
from govor.requests.channels import ChannelFields
from govor.requests.faults import invalid
from govor.requests.lines import LineFields
from govor.requests.speakers import SpeakerFields

log = logging.getLogger(__name__)


def _language(value: str) -> str | None:
    return None if means_any(value) else parse_language(value)


def _named(values: object) -> object:
    """Leave out of a list of languages the entries that mean any language."""
    return [value for value in values if not means_any(str(value))] if isinstance(values, list) else values


_NAMED = WithJsonSchema({"type": "string", "format": "language"})
Language = Annotated[str, BeforeValidator(parse_language), _NAMED]
OptionalLanguage = Annotated[str | None, BeforeValidator(_language), _NAMED]
_FLAG = TypeAdapter(bool)
MORE_FORMATS = "x-more-formats"
"""Key of a field's schema if plugins add values to its `enum`; the document shows them instead of the key."""
ONE_FAULT = FailFast()  # a field of 8 MB may have a million, and each would take a kilobyte


class Fields(LineFields, SpeakerFields, ChannelFields, TrackFields, TextFields):
    """The fields of a transcription or translation request besides `file`."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field("", description="Id, alias or plugin/id; empty or absent: the default model.")
    language: OptionalLanguage = Field(
        None, description="Language of the speech: ISO 639-1 code or English name, as in ru, pt-BR or german."
    )
    languages: Annotated[list[Language], ONE_FAULT, BeforeValidator(_named)] = Field(
        [], description="Languages that may be spoken, most likely first."
    )
    prompt: str = Field("", description="Text that precedes the recording, or sets its style.")
    keywords: list[str] = Field([], description="Words and names to expect.")
    response_format: str = Field(
        "json",
        description="Format of the answer.",
        json_schema_extra={"enum": list(MEDIA_TYPES), MORE_FORMATS: True},
    )
    temperature: float | None = Field(
        None, ge=0, le=1, description="Sampling temperature, 0 to 1.", json_schema_extra={"default": 0}
    )
    timestamp_granularities: Annotated[list[Literal["word", "segment"]], ONE_FAULT] = Field(
        [],
        description="Which times verbose_json has; default: segment. With segment, paragraphs of txt have "
        "times too.",
    )
    include: Annotated[list[Literal["logprobs"]], ONE_FAULT] = Field(
        [], description="logprobs: those of every token, with json only."
    )
    stream: bool = Field(False, description="Answer with server-sent events while the text appears.")
    chunking_strategy: Literal["auto"] | ServerVad | None = Field(
        None, description='"auto", or {"type": "server_vad", …}: how speech is separated from silence.'
    )
    diarize: bool = Field(
        False, description="Name the speakers, in all formats but json (not in OpenAI's API)."
    )
    vad: bool = Field(True, description="false: treat all audio as speech (not in OpenAI's API).")

    background: bool = Field(False, description="Answer at once with a job (not in OpenAI's API).")
    webhook_url: str = Field("", description="URL to call when the job has ended (not in OpenAI's API).")
    file_url: str = Field("", description="URL of the recording, instead of `file` (not in OpenAI's API).")

    _foreign: Adopted = PrivateAttr(Adopted())
    _formats: Formats = PrivateAttr(default_factory=lambda: CORE_FORMATS)

    @property
    def foreign(self) -> Adopted:
        """Result of the fields of other servers."""
        return self._foreign

    @property
    def names_words(self) -> bool:
        """Whether word times are asked for by name."""
        return "word" in self.timestamp_granularities or self._foreign.words

    @property
    def wants_words(self) -> bool:
        """Whether word times are asked for and shown in the answer, or needed to break subtitles.

        The result of a job can be shown in any format.
        """
        if self._formats.needs_words(self.response_format):
            return True
        shown = self.background or self._formats.can_show_words(self.response_format)
        return shown and self.names_words

    @property
    def unasked(self) -> frozenset[str]:
        """Options that are set although the client did not ask for them by name."""
        return frozenset() if self.names_words else frozenset({"words"})

    def with_words(self) -> Fields:
        """Return a copy that also asks for word times, as another server's field does."""
        fields = self.model_copy()
        fields._foreign = replace(self._foreign, words=True)
        return fields

    @property
    def unshown(self) -> tuple[str, ...]:
        """Fields for subtitles that have no effect in the requested format."""
        if self.background or self.response_format in SUBTITLE_FORMATS:
            return ()
        return tuple(name for name in LineFields.model_fields if getattr(self, name) is not None)

    @property
    def wants_logprobs(self) -> bool:
        """Whether log-probabilities are asked for."""
        return "logprobs" in self.include

    @property
    def wants_speakers(self) -> bool:
        """Whether speakers are asked for and shown; the result of a job can be shown in any format."""
        shown = self.background or self.response_format not in SPEAKERLESS_FORMATS
        return (self.diarize and shown) or self.response_format == "diarized_json"

    @property
    def unshown_speakers(self) -> tuple[str, ...]:
        """Fields for speakers that have no effect because the answer shows none."""
        if self.wants_speakers:
            return ()
        return ("diarize", *self.asked_of_speakers) if self.diarize else self.asked_of_speakers

    @property
    def asked_of_speakers(self) -> tuple[str, ...]:
        """Fields set by the client that name known speakers or limit their number."""
        return tuple(name for name in SpeakerFields.model_fields if getattr(self, name))

    def options(self, task: Task) -> Options:
        """Return the options for the model."""
        return Options(
            task=task,
            language=self.language,
            languages=tuple(self.languages),
            prompt=self.prompt,
            keywords=tuple(self.keywords),
            temperature=self.temperature,
            words=self.wants_words,
            logprobs=self.wants_logprobs,
        )

    def rules(self) -> SpeechRules | None:
        """Return the client's rules for finding speech; None: there are none."""
        if not self.vad:
            return NO_DETECTION
        if isinstance(self.chunking_strategy, ServerVad):
            return self.chunking_strategy.rules()
        return self._foreign.rules


def parse_fields(
    form: MultiDict[str, str],
    default_format: str = "",
    *,
    strict: bool = False,
    formats: Formats = CORE_FORMATS,
) -> Fields:
    """Read the form; `default_format` is used if it has no response_format, which must be in `formats`.

    Unknown fields are ignored, or refused if `strict`. Raises InvalidParam with the field's name.
    """
    values = gather(form, {*Fields.model_fields, *KNOWN})
    counted = pop_channel_count(values)
    for name in sorted(values.keys() - Fields.model_fields.keys() - KNOWN - UNNEEDED):
        if strict:
            raise InvalidParam(f"There is no field '{name[:40]}'.", param=name[:40])
        log.debug("Ignored the unknown field %r", name[:40])
    if default_format:
        values.setdefault("response_format", default_format)
    try:
        foreign = adopt(values, Fields.model_fields)
        fields = Fields.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from error
    if counted and not fields.channels:  # a number describes headerless audio
        foreign = replace(foreign, left=(*foreign.left, "channels"))
    fields._foreign, fields._formats = foreign, formats
    _check(fields, formats)
    return fields


def pop_channel_count(values: dict[str, Any]) -> bool:
    """Remove a number of channels, which describes sound without a header; return whether there was one."""
    counted = str(values.get("channels", "")).strip().isdecimal()
    if counted:
        del values["channels"]
    return counted


def parse_flag(query: MultiDict[str, str], name: str) -> bool:
    """Return a boolean of the query; absent and empty are false. Raises InvalidParam."""
    try:
        return _FLAG.validate_python(query.get(name) or "false")
    except ValidationError as error:
        raise InvalidParam(f"'{name}' must be true or false.", param=name) from error


def _check(fields: Fields, formats: Formats) -> None:
    """Raise InvalidParam for fields that contradict each other, or an unknown format."""
    fields.check_channels()
    formats.check(fields.response_format)
    if fields.wants_logprobs and fields.response_format != "json":
        raise InvalidParam("'include[]=logprobs' needs response_format 'json'.", param="include")


Model = TypeVar("Model", bound=BaseModel)


def read_fields_as(model: type[Model], given: Mapping[str, str]) -> Model:
    """Read a model's fields from a form or query; others are ignored. Raises InvalidParam."""
    try:
        return model.model_validate(present(given, model.model_fields))
    except ValidationError as error:
        raise invalid(error) from error
