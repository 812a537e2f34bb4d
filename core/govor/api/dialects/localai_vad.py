"""POST /vad and /v1/vad: speech in samples that a client sends as JSON, in LocalAI's dialect."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from quart import Blueprint, Response
from quart_schema import document_request, document_response, tag

from govor.api.body.reading import current_body
from govor.api.request.prepare import client_of
from govor.api.request.results import name_ignored
from govor.api.response.declared_errors import QUEUE, can_fail
from govor.api.response.json import json_response
from govor.audio.detection import speech_in
from govor.audio.regions import SpeechRules
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.engine.service import Service
from govor.errors import AudioTooLong, InvalidParam
from govor.plain import json_fault

PATHS = ("/vad", "/v1/vad")

BODY_BYTES = 40_000_000
"""Largest body: two minutes of samples, written with all their digits."""

RULES = SpeechRules(threshold=0.5, silence=0.1, padding=0.03)
"""LocalAI's rules for finding speech."""

MOST_SECONDS = 120.0
AT_ONCE = 2
"""Most requests whose samples are read and searched; others wait."""

BEGIN = re.compile(rb'"audio"\s*:\s*\[')
REST_BYTES = 100_000
"""Most bytes beside the samples: parsing them blocks the event loop."""
PIECE = 100_000
"""Bytes that are parsed as numbers in one call."""

NO_SAMPLES = "Send a JSON object with 'audio', a list of samples at 16 kHz."
NO_NUMBER = "'audio' has something that is no number."
TOO_MUCH = f"The JSON has more than {REST_BYTES / 1000:g} kB beside 'audio'."


class VoiceActivityRequest(BaseModel):
    """The JSON body."""

    audio: list[float] = Field(description="Samples at 16 kHz, one channel, from -1 to 1.")
    model: str = Field("", description="Ignored: the installed voice detector is used.")


class SpokenSpan(BaseModel):
    """A region with speech, in seconds."""

    start: float
    end: float


class VoiceActivity(BaseModel):
    """Regions with speech."""

    segments: list[SpokenSpan]


def vad_limits(most: int) -> dict[str, int]:
    """Return the largest body in bytes, by path."""
    return dict.fromkeys(PATHS, min(most, BODY_BYTES))


def voice_activity_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("voice_activity", __name__)
    slots = asyncio.Semaphore(AT_ONCE)

    @routes.post("/vad")
    @routes.post("/v1/vad")
    @tag(["Audio"])
    @document_request(VoiceActivityRequest)
    @document_response(VoiceActivity)
    @can_fail(InvalidParam, AudioTooLong, *QUEUE)
    async def detect_voice() -> Response:
        """Regions of these samples with speech, found by the voice detector without a model."""
        with service.admission.admit(client_of(service)):
            sent = await current_body().read()
            limit = min(service.settings.max_audio_seconds or MOST_SECONDS, MOST_SECONDS)
            async with slots:
                audio, others = await asyncio.to_thread(_read, sent, limit)
                async with service.detectors.lease() as detector:
                    regions = await asyncio.to_thread(speech_in, audio, detector, RULES)
        body = VoiceActivity(
            segments=[
                SpokenSpan(start=round(region.start / SAMPLE_RATE, 3), end=round(region.end / SAMPLE_RATE, 3))
                for region in regions
            ]
        )
        return name_ignored(json_response(body), others)

    return routes


def _read(body: bytes, limit: float) -> tuple[list[Audio], list[str]]:
    """Return the samples in blocks of some seconds, and the names of ignored fields.

    Raises InvalidParam, and AudioTooLong above `limit` seconds.
    """
    begin, end = _place(body) if len(body) > REST_BYTES else (0, 0)
    try:
        value = json.loads(body[:begin] + body[end:])
    except (ValueError, RecursionError) as error:
        raise InvalidParam(f"The body is not JSON that can be read: {json_fault(error)}.") from error
    audio = value.get("audio") if isinstance(value, dict) else None
    if not isinstance(audio, list) or (begin and audio):
        raise InvalidParam(NO_SAMPLES, param="audio")
    model = value.get("model", "")
    if not isinstance(model, str):
        raise InvalidParam("'model' is a text.", param="model")
    pieces = _pieces(body, begin, end) if begin else iter([_few(audio)])
    return _sound(pieces, limit), ["model"] if model else []


def _place(body: bytes) -> tuple[int, int]:
    """Return where the samples begin and end in a body that is too large to be parsed whole."""
    found = BEGIN.search(body, 0, REST_BYTES)
    end = body.find(b"]", found.end()) if found else -1
    if found is None or end < 0:
        raise InvalidParam(NO_SAMPLES, param="audio")
    if len(body) - (end - found.end()) > REST_BYTES:
        raise InvalidParam(TOO_MUCH)
    return found.end(), end


def _few(audio: list[object]) -> NDArray[np.float64]:
    if any(isinstance(sample, bool) or not isinstance(sample, int | float) for sample in audio):
        raise InvalidParam(NO_NUMBER, param="audio")
    try:
        return np.array(audio, np.float64)
    except OverflowError as error:
        raise InvalidParam(NO_NUMBER, param="audio") from error


def _pieces(body: bytes, begin: int, end: int) -> Iterator[NDArray[np.float64]]:
    """Parse many numbers piece by piece, so that the event loop runs between them."""
    if not body[begin:end].strip():
        return
    while begin <= end:
        comma = body.find(b",", begin + PIECE, begin + 2 * PIECE)
        stop = min(end if comma < 0 else comma, end)
        if stop - begin > 2 * PIECE:
            raise InvalidParam(NO_NUMBER, param="audio")
        try:
            yield np.array(body[begin:stop].split(b","), np.float64)
        except ValueError as error:
            raise InvalidParam(NO_NUMBER, param="audio") from error
        begin = stop + 1


def _sound(pieces: Iterable[NDArray[np.float64]], limit: float) -> list[Audio]:
    blocks: list[Audio] = []
    total = 0
    for samples in pieces:
        total += len(samples)
        if total > limit * SAMPLE_RATE:
            raise AudioTooLong(f"These are more than {limit:g} seconds.", param="audio")
        if not np.isfinite(samples).all():
            raise InvalidParam(NO_NUMBER, param="audio")
        blocks.append(np.clip(samples, -1.0, 1.0).astype(np.float32))
    return blocks
