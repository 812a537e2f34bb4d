"""The audio tracks of a recording, and the order in which they suit a selection."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

import av.logging
from av.container import InputContainer
from av.stream import Disposition, Stream

from govor.decoder.formats import DECODERS
from govor.decoder.refusals import Refused
from govor.decoder.wire import TrackSelection

TITLES = ("title", "name", "handler_name")
"""Metadata keys in which containers keep a track's title."""

ASIDE = Disposition.comment | Disposition.hearing_impaired | Disposition.visual_impaired | Disposition.karaoke
"""Tracks that accompany the recording, such as comments and audio descriptions."""

NO_LANGUAGE = frozenset({"", "und", "mul", "mis", "zxx"})
"""Language tags that name no language."""

MOST_LISTED = 20
"""Most tracks in an error's list."""


@dataclass(frozen=True, slots=True)
class Track:
    """An audio track, as its container states it."""

    number: int
    """From 0, among the audio tracks."""
    stream: Stream
    codec: str
    """FFmpeg's name of its codec, or the container's own for one that FFmpeg does not know."""
    is_readable: bool
    language: str
    titles: tuple[str, ...]

    @property
    def facts(self) -> str:
        """Codec, language and title of the track, for messages."""
        title = next((f"'{title}'" for title in self.titles if title not in USELESS), "")
        return f"{self.number} ({', '.join(filter(None, (self.codec, self.language, title)))})"


USELESS = frozenset({"SoundHandler", "Core Media Audio", "mp4a", "sound handler"})
"""Titles that programs give every track."""


def audio_tracks(container: InputContainer) -> list[Track]:
    """Return all audio tracks, in the order of the file. Raises Refused if there are none."""
    streams = [stream for stream in container.streams if stream.type == "audio"]
    if not streams:
        raise Refused(f"The file has no audio track; it holds: {_contents(container)}.")
    return [_track(container, number, stream) for number, stream in enumerate(streams)]


def _track(container: InputContainer, number: int, stream: Stream) -> Track:
    context = stream.codec_context
    codec = None if context is None else context.codec
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    language = tags.get("language", "").strip().lower()
    return Track(
        number,
        stream,
        codec_name(container, stream),
        codec is not None and codec.name in DECODERS,
        "" if language in NO_LANGUAGE else language,
        tuple(tags[name].strip() for name in TITLES if tags.get(name, "").strip()),
    )


def codec_name(container: InputContainer, stream: Stream) -> str:
    """Return FFmpeg's name of a codec, or else the container's."""
    if stream.codec_context is not None:
        return stream.codec_context.name
    av.logging.set_level(av.logging.INFO)  # else it prints nothing
    try:
        told = container.dumps_format()
    finally:
        av.logging.set_level(None)
    found = re.search(rf"Stream #0:{stream.index}\b.*?: \w+: none \((.{{1,20}}?) / 0x", told)
    name = re.sub(r"[^\w. -]", "", found[1]).strip() if found else ""
    return name or "unknown"


def _contents(container: InputContainer) -> str:
    held = [f"{stream.type} ({codec_name(container, stream)})" for stream in container.streams]
    return ", ".join(dict.fromkeys(held)) or "nothing"


def candidates(container: InputContainer, selection: TrackSelection) -> list[Track]:
    """Return the tracks that fit the selection, the best first. Raises Refused if there is none."""
    tracks = audio_tracks(container)
    if selection.track:
        return [_selected(tracks, selection)]
    readable = [track for track in tracks if track.is_readable]
    if not readable:
        raise Refused(_unreadable(tracks))
    best, wanted = container.streams.best("audio"), _words(selection.language)

    def preference(track: Track) -> tuple[bool, bool, bool, int]:
        is_aside = bool(track.stream.disposition & ASIDE)
        return not _speaks(track, wanted), is_aside, track.stream is not best, track.number

    return sorted(readable, key=preference)


def _selected(tracks: list[Track], selection: TrackSelection) -> Track:
    wanted = selection.track.strip()
    title, words = wanted.casefold(), _words(selection.track_language) or {wanted.lower()}
    found = [track for track in tracks if wanted == str(track.number)]
    found = found or [track for track in tracks if title in map(str.casefold, track.titles)]
    found = found or [track for track in tracks if _speaks(track, words)]
    if not found:
        raise Refused(f"No audio track is '{wanted[:80]}'; there are: {listed(tracks)}.", "track")
    track = next((track for track in found if track.is_readable), found[0])
    if not track.is_readable:
        raise Refused(
            f"Audio track {track.number} is in the codec '{track.codec}', which is not read here; "
            f"there are: {listed(tracks)}.",
            "track",
        )
    return track


def _words(language: str) -> frozenset[str]:
    return frozenset(language.lower().split())


def _speaks(track: Track, words: Set[str]) -> bool:
    """Tell whether a track is tagged with a language; the first part of a tag like `ru-RU` counts."""
    return bool(track.language) and bool({track.language, re.split(r"[-_]", track.language)[0]} & words)


def _unreadable(tracks: list[Track]) -> str:
    if len(tracks) == 1:
        return f"The file's audio is in the codec '{tracks[0].codec}', which is not read here."
    return f"None of the file's audio tracks is in a codec that is read here: {listed(tracks)}."


def no_sound(container: InputContainer, selection: TrackSelection) -> str:
    """Return a sentence: the tried tracks hold no sound."""
    tracks = audio_tracks(container)
    if len(tracks) == 1:
        return f"The file's audio track ({tracks[0].codec}) holds no sound that can be decoded."
    if selection.track:
        number = candidates(container, selection)[0].number
        return f"Audio track {number} holds no sound that can be decoded; there are: {listed(tracks)}."
    return f"None of the file's audio tracks holds sound that can be decoded: {listed(tracks)}."


def listed(tracks: list[Track]) -> str:
    """Return all tracks with their codecs, languages and titles, for a person."""
    more = f" and {len(tracks) - MOST_LISTED} more" if len(tracks) > MOST_LISTED else ""
    return ", ".join(track.facts for track in tracks[:MOST_LISTED]) + more
