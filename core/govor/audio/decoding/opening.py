"""Opening a recording from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import ANYTHING, Recording
from govor.decoder.wire import TrackSelection
from govor.errors import AudioTooLong
from govor.formats.languages import language_tags, parse_language

MOST_LANGUAGES = 10
"""Most preferred languages of a track; a longer list counts as no preference."""


async def open_recording(
    path: Path, decoders: Decoders, max_seconds: float = 0.0, selection: TrackSelection = ANYTHING
) -> Recording:
    """Open a recording in a thread; if the caller is cancelled meanwhile, its decoder is ended at once.

    Raises InvalidAudio, DecodersUnavailable, DecoderLost, and AudioTooLong if the container states more than
    `max_seconds`; 0: any length.
    """
    recording = Recording(path, decoders, tagged(selection))
    try:
        await asyncio.to_thread(recording.open)
        check_length(recording.duration or 0.0, max_seconds)
    except BaseException:
        recording.close()
        raise
    return recording


def tagged(selection: TrackSelection, languages: Collection[str] = ()) -> TrackSelection:
    """Return the selection with all codes that tracks may have in their language tags. Idempotent.

    `languages` are those wanted: a track in one of them is preferred.
    """
    wanted = languages if len(languages) <= MOST_LANGUAGES else ()
    language = " ".join(_tags(each) or each for each in wanted or [selection.language])
    return replace(selection, language=language, track_language=_tags(selection.track))


def _tags(language: str) -> str:
    try:
        return " ".join(language_tags(parse_language(language)))
    except ValueError:
        return ""


def check_length(seconds: float, limit: float) -> None:
    """Raise AudioTooLong if `seconds` exceed the limit; 0: no limit."""
    if 0 < limit < seconds:
        raise AudioTooLong(
            f"The recording is longer than the {limit:g} seconds that this server takes.", param="file"
        )
