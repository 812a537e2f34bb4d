"""Which of several audio tracks speaks: a track that is silent, or empty, is not taken while another is not.

The tracks are decoded side by side from the beginning until that is told; then the file is opened anew.
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
"""Of full scale: what is never louder is silence. A microphone that is open is above it."""

AUDIBLE_SECONDS = 0.3
"""Less may be a click; that of a whole frame is counted."""

SPOKEN_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
"""When another track has had so much sound, and the best one has been silent so long, the other is taken."""

MOST_SECONDS = 1800.0
"""Of all tracks together."""
MOST_CPU_SECONDS = 2.0
"""Of the computing time that the file is given until its first sound."""

POINTS = 32
"""Samples of a frame that are looked at."""


def first_to_speak(container: InputContainer, tracks: list[Track]) -> Track:
    """Return the first of `tracks`, in their order, that is not silent; none of them may be: then the first
    one that holds sound at all. Reads the container, which is of no use afterwards."""
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
        if max(length.values()) >= PATIENCE_SECONDS and max(sound.values()) >= SPOKEN_SECONDS:
            break
        if sum(length.values()) >= MOST_SECONDS:
            break
    return next(
        (track for held in (sound, length) for track in tracks if held[track.number] >= AUDIBLE_SECONDS),
        next((track for track in tracks if length[track.number]), tracks[0]),
    )


def _frames(container: InputContainer, tracks: list[Track]) -> Iterator[tuple[int, AudioFrame]]:
    """Yield what can be decoded, in the order of the file, with the index of its stream."""
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
        return True  # it cannot be looked at
    kind = views[0].format
    middle, least = (128 if kind == "B" else 0), SILENCE * FULL_SCALE[kind]
    step = max(frame.samples // POINTS, 1)
    return any(abs(sample - middle) > least for view in views for sample in view[::step])
