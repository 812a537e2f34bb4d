"""Opening a recording from the event loop."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

from govor.audio.decode import ANYTHING, Recording
from govor.audio.decoders import Decoders
from govor.decoder.wire import Wishes
from govor.engine.turns import Share
from govor.errors import AudioTooLong


async def open_recording(
    path: Path, decoders: Decoders, max_seconds: float = 0.0, wishes: Wishes = ANYTHING
) -> Recording:
    """Open a recording in a thread; if the caller leaves meanwhile, its decoder is ended at once.

    Raises InvalidAudio, DecodersUnavailable, DecoderLost, and AudioTooLong if the container states more than
    `max_seconds`; 0: any length.
    """
    recording = Recording(path, decoders, wishes)
    try:
        await asyncio.to_thread(recording.open)
        check_length(recording.duration or 0.0, max_seconds)
    except BaseException:
        recording.close()
        raise
    return recording


def share_of(recording: Recording) -> Share:
    """Return the account of a recording that a model is to hear."""
    return Share(length=recording.duration or math.inf, longest=recording.longest or math.inf)


def check_length(seconds: float, limit: float) -> None:
    """Raise AudioTooLong for more than the limit; 0: there is none."""
    if 0 < limit < seconds:
        raise AudioTooLong(
            f"The recording is longer than the {limit:g} seconds that this server takes.", param="file"
        )
