"""Choose among several audio tracks: a silent or empty one only if no other has sound.

The tracks are decoded side by side from the beginning until that is certain; then the file is opened anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream

from govor.decoder.containers.tracks import Track
from govor.decoder.refusals import check_memory
from govor.decoder.samples.frames import FULL_SCALE, numbers

SILENCE = 0.0003
"""Of full scale: a track that never exceeds it is silent. An open microphone exceeds it."""

AUDIBLE_SECONDS = 0.3
"""A shorter sound may be a click. A frame counts as a whole."""

SPOKEN_SECONDS = 2.0
SILENT_SECONDS = 60.0
"""Another track that has had `SPOKEN_SECONDS` of sound is chosen if the best one is silent for so long."""

MOST_SECONDS = 1800.0
"""Most decoded seconds, of all tracks together."""
MOST_CPU_SECONDS = 2.0
"""Share of the CPU time that a file may take until its first frame."""

POINTS = 32
"""Samples of a frame that are examined."""


def first_to_speak(container: InputContainer, tracks: list[Track]) -> Track:
    """Return the first of `tracks`, in their order, that is not silent. If all are silent, return the first
    one that holds audio at all. Reads the container, which is of no use afterwards.
    """
    sound = dict.fromkeys((track.number for track in tracks), 0.0)
    length = dict(sound)
    numbers_of = {track.stream.index: track.number for track in tracks}
    best = tracks[0].number
    deadline = time.process_time() + MOST_CPU_SECONDS
    for index, frame in _frames(container, tracks):
        number = numbers_of[index]
        seconds = frame.samples / frame.sample_rate
        length[number] += seconds
        if _is_audible(frame):
            sound[number] += seconds
        if sound[best] >= AUDIBLE_SECONDS or time.process_time() > deadline:
            break
        if max(length.values()) >= SILENT_SECONDS and max(sound.values()) >= SPOKEN_SECONDS:
            break
        if sum(length.values()) >= MOST_SECONDS:
            break
    return next(
        (track for held in (sound, length) for track in tracks if held[track.number] >= AUDIBLE_SECONDS),
        next((track for track in tracks if length[track.number]), tracks[0]),
    )


def _frames(container: InputContainer, tracks: list[Track]) -> Iterator[tuple[int, AudioFrame]]:
    """Yield the decodable frames in the order of the file, each with the index of its stream."""
    packets = container.demux([track.stream for track in tracks])
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError as error:
            check_memory(error)
            return
        if packet is None:
            return
        for frame in _decoded(packet):
            yield packet.stream.index, frame


def _decoded(packet: av.Packet[Stream]) -> list[AudioFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, AudioFrame) and frame.samples]
    except FFmpegError as error:
        check_memory(error)
        return []


def _is_audible(frame: AudioFrame) -> bool:
    views = numbers(frame)
    if not views:
        return True  # its samples cannot be viewed
    kind = views[0].format
    middle, least = (128 if kind == "B" else 0), SILENCE * FULL_SCALE[kind]
    step = max(frame.samples // POINTS, 1)
    return any(abs(sample - middle) > least for view in views for sample in view[::step])
