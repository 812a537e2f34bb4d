"""POST /vad and /v1/vad: where in samples that a client sends there is speech, as LocalAI answers it."""

from __future__ import annotations

import asyncio
import json
import re

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from quart import Blueprint, Response
from quart_schema import document_request, document_response, tag

from govor.api.bodies import current_body
from govor.api.results import name_ignored
from govor.api.work import client_of
from govor.audio.speech import SpeechRules
from govor.audio.voice import speech_in
from govor.engine.service import Service
from govor.errors import AudioTooLong, InvalidParam
from govor.formats.openai import dump_json
from govor.types import SAMPLE_RATE, Audio

PATHS = ("/vad", "/v1/vad")

BODY_BYTES = 40_000_000
"""Largest body: two minutes of samples that are written with all their digits."""

RULES = SpeechRules(threshold=0.5, silence=0.1, padding=0.03)
"""LocalAI's."""

SAMPLES = re.compile(rb'"audio"\s*:\s*\[([^\[\]{}"]*)\]')
PIECE = 100_000
"""Bytes that are read as numbers at once."""

NO_SAMPLES = "Send a JSON object with 'audio', a list of samples at 16 kHz."
NO_NUMBER = "'audio' has something that is no number."


class VoiceActivityRequest(BaseModel):
    """JSON."""

    audio: list[float] = Field(description="Samples at 16 kHz, one channel, from -1 to 1.")
    model: str = Field("", description="Passed over: the voice detector that is installed answers.")


class SpokenSpan(BaseModel):
    """From where to where somebody speaks, in seconds."""

    start: float
    end: float


class VoiceActivity(BaseModel):
    """Where there is speech."""

    segments: list[SpokenSpan]


def vad_limits(most: int) -> dict[str, int]:
    """Return the largest body in bytes, by path."""
    return dict.fromkeys(PATHS, min(most, BODY_BYTES))


def voice_activity_routes(service: Service) -> Blueprint:
    """The routes, bound to a service."""
    routes = Blueprint("voice_activity", __name__)

    @routes.post("/vad")
    @routes.post("/v1/vad")
    @tag(["Audio"])
    @document_request(VoiceActivityRequest)
    @document_response(VoiceActivity)
    async def detect_voice() -> Response:
        """Where in these samples there is speech; no model is asked."""
        with service.admission.admit(client_of(service)):
            audio, others = await asyncio.to_thread(_read, await current_body().read())
            limit = service.settings.max_audio_seconds
            if 0 < limit < len(audio) / SAMPLE_RATE:
                raise AudioTooLong(f"These are more than {limit:g} seconds.", param="audio")
            detector = await service.voice_detector()
            regions = await asyncio.to_thread(speech_in, [audio], detector, RULES)
        body = VoiceActivity(
            segments=[
                SpokenSpan(start=round(region.start / SAMPLE_RATE, 3), end=round(region.end / SAMPLE_RATE, 3))
                for region in regions
            ]
        )
        return name_ignored(Response(dump_json(body.model_dump()), content_type="application/json"), others)

    return routes


def _read(body: bytes) -> tuple[Audio, list[str]]:
    """Return the samples, and the model's field if there is one. Raises InvalidParam."""
    found = SAMPLES.search(body) if len(body) > PIECE else None
    if len(body) > PIECE and found is None:  # the rest is small, and read at once
        raise InvalidParam(NO_SAMPLES, param="audio")
    try:
        value = json.loads(body[: found.start(1)] + body[found.end(1) :] if found else body)
    except (ValueError, RecursionError) as error:
        raise InvalidParam(f"The body is not JSON: {error}.") from error
    audio = value.get("audio") if isinstance(value, dict) else None
    if not isinstance(audio, list) or (found and audio):
        raise InvalidParam(NO_SAMPLES, param="audio")
    model = value.get("model", "")
    if not isinstance(model, str):
        raise InvalidParam("'model' is a text.", param="model")
    return _sound(_samples(found[1]) if found else _few(audio)), ["model"] if model else []


def _few(audio: list[object]) -> NDArray[np.float64]:
    if any(isinstance(sample, bool) or not isinstance(sample, int | float) for sample in audio):
        raise InvalidParam(NO_NUMBER, param="audio")
    try:
        return np.array(audio, np.float64)
    except OverflowError as error:
        raise InvalidParam(NO_NUMBER, param="audio") from error


def _samples(text: bytes) -> NDArray[np.float64]:
    """Read many numbers in pieces: the event loop has its turns between them."""
    pieces, begin = [np.zeros(0)], len(text) if text.isspace() else 0
    while begin < len(text):
        end = text.find(b",", begin + PIECE)
        end = len(text) if end < 0 else end
        try:
            pieces.append(np.array(text[begin:end].split(b","), np.float64))
        except ValueError as error:
            raise InvalidParam(NO_NUMBER, param="audio") from error
        begin = end + 1
    return np.concatenate(pieces)


def _sound(samples: NDArray[np.float64]) -> Audio:
    if not np.isfinite(samples).all():
        raise InvalidParam(NO_NUMBER, param="audio")
    audio: Audio = np.clip(samples, -1.0, 1.0).astype(np.float32)
    return audio
