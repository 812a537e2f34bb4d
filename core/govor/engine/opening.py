"""Opening a recording from the event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

from govor.audio.decode import Recording
from govor.errors import AudioTooLong


async def open_recording(path: Path, max_seconds: float = 0.0) -> Recording:
    """Open a recording in a thread; where the caller leaves meanwhile, it is closed as soon as it is open.

    Raises InvalidAudio, and AudioTooLong where the container states more than `max_seconds`; 0: any length.
    """
    opening = asyncio.create_task(asyncio.to_thread(Recording, path))
    try:
        recording = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise
    try:
        check_length(recording.duration or 0.0, max_seconds)
    except AudioTooLong:
        recording.close()
        raise
    return recording


def check_length(seconds: float, limit: float) -> None:
    """Raise AudioTooLong for more than the limit; 0: there is none."""
    if 0 < limit < seconds:
        raise AudioTooLong(
            f"The recording is longer than the {limit:g} seconds that this server takes.", param="file"
        )


def _close_unwanted(opening: asyncio.Task[Recording]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
