"""Keys that clients of other servers expect in the list of models, beside OpenAI's and Govor's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govor import __version__
from govor.api.models.schema import ModelBody, ModelList
from govor.contract.audio import SAMPLE_RATE
from govor.engine.service import Service
from govor.models.catalogue import Model
from govor.settings.compat import Compat

FORMATS = ["wav", "mp3", "m4a", "mp4", "mpeg", "mpga", "ogg", "opus", "flac", "webm"]
"""Containers that are listed to clients; FFmpeg's libraries read many more."""

RATES = [8000, 16000, 24000, 44100, 48000]

GIGASTT_KEYS = frozenset(
    {"id", "name", "version", "encoder", "vocab_size", "sample_rate", "pool_size", "pool_available"}
    | {"supported_formats", "supported_rates", "diarization"}
)
"""Keys of gigastt's answer to GET /v1/models."""


def compat_keys(service: Service, model: Model) -> dict[str, Any]:
    """Return the keys of one model that gigastt, go-whisper and faster-whisper's servers have."""
    held = service.pool.loaded(model)
    names = [held.runtime.precision] if held else [model.id, *(file.name for file in model.spec.files)]
    return {
        "language": list(model.spec.languages),
        "loaded": held is not None,
        "name": model.id,
        "version": __version__,
        "encoder": "int8" if any("int8" in name for name in names) else "fp32",
        "vocab_size": model.spec.vocabulary,
        "sample_rate": SAMPLE_RATE,
        "pool_size": held.workers if held else 0,
        "pool_available": held.idle_workers if held else 0,
        "supported_formats": FORMATS,
        "supported_rates": RATES,
        "diarization": False,
    }


def model_list(bodies: Sequence[ModelBody], default: ModelBody | None, compat: Compat) -> ModelList:
    """Return the list in all dialects; beside it are the `default` model's keys for gigastt's clients."""
    listed = list(bodies)
    if compat.list_aliases:
        listed += [body.model_copy(update={"id": alias}) for body in bodies for alias in body.aliases]
    beside = default.model_dump(include=set(GIGASTT_KEYS)) if default and compat.gigastt else {}
    return ModelList(data=listed, models=listed, **beside)
