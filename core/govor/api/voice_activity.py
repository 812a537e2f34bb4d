"""POST /vad and /v1/vad: where in samples that a client sends there is speech, as LocalAI answers it."""

from __future__ import annotations

import asyncio
import json
import re

import numpy as np
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
"""Bytes that are read as numbers at once: the event loop has its turns between them."""


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
    found = SAMPLES.search(body)
    if found is None:
        raise InvalidParam("Send JSON with 'audio', a list of samples at 16 kHz from -1 to 1.", param="audio")
    try:
        rest = json.loads(body[: found.start(1)] + body[found.end(1) :])
    except (ValueError, RecursionError) as error:
        raise InvalidParam(f"The body is not JSON: {error}.") from error
    if not isinstance(rest, dict) or rest.get("audio") != []:
        raise InvalidParam("Send a JSON object with 'audio' and, if need be, 'model'.", param="audio")
    return _samples(found[1]), ["model"] if rest.get("model") else []


def _samples(text: bytes) -> Audio:
    pieces, begin = [], 0
    while begin < len(text) and text.strip():
        end = text.find(b",", begin + PIECE)
        end = len(text) if end < 0 else end
        try:
            pieces.append(np.array(text[begin:end].split(b","), np.float64))
        except ValueError as error:
            raise InvalidParam("'audio' has something that is no number.", param="audio") from error
        begin = end + 1
    audio: Audio = np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)
    if not np.isfinite(audio).all():
        raise InvalidParam("'audio' has something that is no number.", param="audio")
    return np.clip(audio, -1.0, 1.0)
