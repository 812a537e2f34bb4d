"""Notices of the parts of a recording that were not decoded: sentences for people, codes for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import av

from govor.decoder.containers.container import Part
from govor.decoder.containers.tracks import audio_tracks, listed
from govor.decoder.wire import TrackSelection

LEAST_MISSING = 0.5
"""Seconds: shorter gaps, in which nothing was sent during silence, are not reported."""

LEAST_CUT, LEAST_CUT_SHARE = 1.0, 0.02
"""Least seconds, and least share of the whole, missing at the end: codecs and indexes are not exact."""

MATROSKA = "matroska,webm"
"""States one length for all its tracks, which FFmpeg reports as that of each."""

EXACT = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", MATROSKA, "wav", "w64", "aiff", "caf", "flac", "tta"})
"""Formats that state a counted length; others guess it, or derive it from the file's content."""

MOST_SAMPLES, MOST_BYTES = 1 << 30, 2_000_000_000
"""A header with a larger number was written before the number was known. Bytes count for PCM only."""

SENTENCES = {
    "damaged": "{seconds:.1f} s between {start:.1f} s and {end:.1f} s could not be decoded.",
    "missing": "{seconds:.1f} s between {start:.1f} s and {end:.1f} s are missing in the file.",
    "cut_off": "The recording breaks off at {start:.1f} s.",
    "unheard": "Another recording begins in the file after {start:.1f} s, and cannot be read.",
}


def other_tracks(part: Part, selection: TrackSelection) -> list[dict[str, Any]]:
    """Return a notice of the tracks that are not used, if the request selects none."""
    tracks = audio_tracks(part.container)
    if selection.track or len(tracks) < 2:
        return []
    heard = part.container.streams.audio.index(part.track)
    message = f"Of {len(tracks)} audio tracks, {heard} was used; 'track' selects another: {listed(tracks)}."
    return [{"code": "other_tracks", "message": message, "start": None, "end": None}]


class Notices:
    """Collects notices: one of each kind, from its first place to its last."""

    def __init__(self, before: list[dict[str, Any]]) -> None:
        """`before` are the notices known at the beginning."""
        self._before = before
        self._found: dict[str, tuple[float, float | None, float]] = {}

    def add(self, code: str, start: float, end: float | None = None, seconds: float = 0.0) -> None:
        """Note a place, in seconds, and how many seconds are lost."""
        first, _, already = self._found.get(code, (start, None, 0.0))
        self._found[code] = (first, end, already + seconds)

    def told(self) -> list[dict[str, Any]]:
        return self._before + [
            {
                "code": code,
                "message": SENTENCES[code].format(start=start, end=end, seconds=seconds),
                "start": round(start, 3),
                "end": None if end is None else round(end, 3),
            }
            for code, (start, end, seconds) in self._found.items()
        ]


def stated_end(part: Part) -> float | None:
    """Return the track's length in seconds, if the container counts it; None: it does not."""
    container, track = part.container, part.track
    if container.format.name not in EXACT:
        return None
    if container.format.name == MATROSKA and len(container.streams) > 1:
        seconds = _tagged_seconds(track.metadata)
        if seconds is None:
            return None
    elif track.duration is not None and track.time_base is not None:
        seconds = float((track.duration + max(0, track.start_time or 0)) * track.time_base)
    elif container.duration is not None and not container.streams.video:
        seconds = float(container.duration / av.time_base)
    else:
        return None
    samples = seconds * track.codec_context.sample_rate * track.codec_context.channels
    is_known = samples < MOST_SAMPLES and samples * _pcm_bytes(track.codec_context.name) < MOST_BYTES
    return seconds if is_known else None


def _pcm_bytes(codec: str) -> int:
    """Return the bytes of one sample of PCM; 0: the codec is another."""
    bits = re.fullmatch(r"pcm_[a-z]+(\d*).*", codec)
    return 0 if bits is None else max(1, int(bits[1] or 8) // 8)


def _tagged_seconds(tags: Mapping[str, str]) -> float | None:
    """Return the length that a writer of Matroska files has put into a track's tags; None: there is none."""
    parts = next((text.split(":") for name, text in tags.items() if name.upper().startswith("DURATION")), [])
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def is_cut_off(part: Part, length: float) -> bool:
    """Tell whether the container states much more than was decoded."""
    end = stated_end(part)
    return end is not None and end - length > max(LEAST_CUT, LEAST_CUT_SHARE * end)
