"""POST /inference and /load: the dialect of whisper.cpp's server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import PurePath

from pydantic import BaseModel, Field, ValidationError
from quart import Blueprint, Response, request
from quart_schema import DataSource, document_request, document_response, tag
from werkzeug.datastructures import MultiDict

from govor.api.body.form import read_fields
from govor.api.body.json_form import JSON
from govor.api.body.reading import current_body
from govor.api.body.recording import read_upload
from govor.api.dialects.schema import InferenceResult
from govor.api.request.fields import MORE_FORMATS, OptionalLanguage, read_fields_as
from govor.api.request.prepare import admit, prepared, whole_transcript, with_headers
from govor.api.request.text_fields import TextFields
from govor.api.request.track_field import TrackFields
from govor.api.response.declared_errors import DOWNLOAD, FORM, MEMORY, MODEL, WORK, can_fail
from govor.audio.chunking import NO_DETECTION
from govor.audio.regions import SpeechRules
from govor.contract.recognizers import Options
from govor.contract.results import Transcript
from govor.engine.service import Service
from govor.engine.transcription.request import TranscriptionRequest
from govor.errors import FormatFailed, InvalidParam, ModelBusy
from govor.formats.dialects.whispercpp import INFERENCE_TYPES, render
from govor.formats.rendering.known_formats import Formats
from govor.models.catalogue import Model
from govor.requests.channels import separate_channels
from govor.requests.lines import layout

KNOWN = frozenset(
    {"audio_ctx", "beam_size", "best_of", "carry_initial_prompt", "diarize", "duration", "entropy_thold"}
    | {"logprob_thold", "max_context", "max_len", "no_context", "no_speech_thold", "offset_n", "offset_t"}
    | {"split_on_word", "suppress_non_speech", "suppress_nst", "temperature_inc", "tinydiarize"}
    | {"vad_max_speech_duration_s", "vad_samples_overlap", "word_thold"}
)
"""Fields of whisper.cpp that are known but not honoured."""

UNASKED = frozenset({"", "0", "0.0", "0.00", "-1", "false", "no"})
"""Values with which such a field has no effect."""

VAD_NUMBERS = frozenset(
    {"vad_threshold", "vad_min_silence_duration_ms", "vad_min_speech_duration_ms", "vad_speech_pad_ms"}
)
"""If any of these is set, the others have whisper.cpp's defaults; if none is, the model's rules apply."""


class InferenceFields(TrackFields, TextFields):
    """Fields of the form of /inference besides `file`."""

    response_format: str = Field(
        "json",
        description="Format of the answer.",
        json_schema_extra={"enum": list(INFERENCE_TYPES), MORE_FORMATS: True},
    )
    language: OptionalLanguage = Field(None, description="Language of the speech; auto: it is detected.")
    detect_language: bool = Field(False, description="Detect the language and ignore `language`.")
    translate: bool = Field(False, description="Answer in English.")
    temperature: float = Field(0.0, ge=0, le=1, description="Sampling temperature, 0 to 1.")
    prompt: str = Field("", description="Text that precedes the recording, or sets its style.")
    no_timestamps: bool = Field(False, description="verbose_json has no times.")
    token_timestamps: bool = Field(True, description="verbose_json has words.")
    vad: bool = Field(True, description="false: treat all audio as speech.")
    vad_threshold: float = Field(0.5, ge=0, le=1, description="Least probability of speech.")
    vad_min_silence_duration_ms: int = Field(
        200, ge=0, le=60_000, description="Shortest pause that ends a region."
    )
    vad_min_speech_duration_ms: int = Field(250, ge=0, le=60_000, description="Shorter regions are left out.")
    vad_speech_pad_ms: int = Field(300, ge=0, le=5_000, description="Audio kept around each region.")
    model: str = Field(
        "", description="Not whisper.cpp's; absent: the model that /load named, or the default."
    )

    def rules(self) -> SpeechRules | None:
        """Return the client's rules for finding speech; None: there are none."""
        if not self.vad:
            return NO_DETECTION
        if not self.model_fields_set & VAD_NUMBERS:
            return None
        silence, padding = self.vad_min_silence_duration_ms / 1000, self.vad_speech_pad_ms / 1000
        return SpeechRules(self.vad_threshold, silence, padding, self.vad_min_speech_duration_ms / 1000)

    def options(self, formats: Formats) -> Options:
        """Return the options for the model."""
        return Options(
            task="translate" if self.translate else "transcribe",
            language=None if self.detect_language else self.language,
            prompt=self.prompt,
            temperature=self.temperature,
            words=formats.needs_words(self.response_format)
            or (self.token_timestamps and self.response_format == "verbose_json"),
        )


class InferenceForm(InferenceFields):
    """multipart/form-data."""

    file: bytes = Field(description="The recording: any container and codec.")


class LoadForm(BaseModel):
    """The model for /inference."""

    model: str = Field(min_length=1, description="Id, alias, or path of its file for whisper.cpp.")


def whispercpp_routes(service: Service) -> Blueprint:
    """Return the two routes, bound to a service; only /inference uses the model that /load names."""
    routes = Blueprint("whispercpp", __name__)
    chosen = ""

    @routes.post("/inference")
    @tag(["whisper.cpp"])
    @document_request(InferenceForm, source=DataSource.FORM_MULTIPART)
    @document_response(InferenceResult)
    @can_fail(*FORM, *WORK, *DOWNLOAD, FormatFailed)
    async def inference() -> Response:
        """Text of a recording."""
        async with AsyncExitStack() as stack:
            ticket = admit(service, stack)
            form, path = await read_upload()
            fields = read_fields_as(InferenceFields, form.fields)
            service.formats.check(fields.response_format, INFERENCE_TYPES)
            wanted = TranscriptionRequest(
                path,
                fields.model or chosen,
                fields.options(service.formats),
                ticket,
                fields.rules(),
                ignored=_not_honoured(form.fields),
                text=fields.text,
                apart=separate_channels(service.settings),
                selection=fields.selection,
                unasked=frozenset({"words"}),
            )
            ready = await stack.enter_async_context(prepared(service, wanted))
            transcript = await whole_transcript(service, ready)
        title = PurePath(form.file_name).stem
        body, media_type = await asyncio.to_thread(_render, service, fields, transcript, title)
        return with_headers(Response(body, content_type=media_type), ready, transcript)

    @routes.post("/load")
    @tag(["whisper.cpp"])
    @document_request(LoadForm, source=DataSource.FORM)
    @can_fail(InvalidParam, ModelBusy, *MODEL, *MEMORY)
    async def load() -> Response:
        """Load a model, which /inference uses from then on."""
        nonlocal chosen
        model = _find(service, await _named())
        await service.pool.load(model)
        chosen = model.qualified
        return Response("Load was successful!", content_type="text/plain; charset=utf-8")

    return routes


def _render(
    service: Service, fields: InferenceFields, transcript: Transcript, title: str
) -> tuple[str | bytes, str]:
    """Return body and media type: whisper.cpp's own or, under other names, those of plugins."""
    if fields.response_format not in INFERENCE_TYPES:
        return service.formats.render(
            transcript, fields.response_format, words=False, segments=True, logprobs=False, title=title
        )
    return render(
        transcript,
        fields.response_format,
        times=not fields.no_timestamps,
        layout=layout(service.settings.subtitles),
    )


async def _named() -> str:
    """Return the name of the model in a form of either type, or in JSON; empty: none. Raises InvalidParam."""
    if request.mimetype != JSON:
        return (await read_fields()).get("model", "").strip()
    try:
        return LoadForm.model_validate_json(await current_body().read()).model.strip()
    except ValidationError as error:
        raise InvalidParam('The JSON names no model: send {"model": NAME}.', param="model") from error


def _find(service: Service, name: str) -> Model:
    """Find a model by id, alias or a path with such a file name. Raises InvalidParam, ModelNotFound."""
    if not name:
        raise InvalidParam("There is no field 'model'.", param="model")
    for spelling in (PurePath(name).name, PurePath(name).stem):
        if service.router.find(name) is None and service.router.find(spelling) is not None:
            name = spelling
    return service.router.choose(name)


def _not_honoured(form: MultiDict[str, str]) -> tuple[str, ...]:
    return tuple(name for name, text in form.items() if name in KNOWN and text.strip().lower() not in UNASKED)
