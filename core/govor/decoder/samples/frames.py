"""Runs of decoded frames of one shape, and their samples as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.filter import Graph

from govor.decoder.refusals import Refused

HIGHEST_RATE = 768_000
"""Hz. A resampler's filters grow with the rate that a file states: 250 MHz take 2 GB. DXD, the highest rate
of recordings, has 352,800.
"""

LOWEST_RATE = 1_000
"""Hz. Lower ones carry no speech, but 32 kB at 1 Hz would be four hours for voice detection to search."""

MOST_CHANNELS = 64
"""Most channels that FFmpeg converts at once."""

MOST_PLANES = 8
"""PyAV reads beyond the list of planes of a frame that has more."""

WINDOW_SECONDS = 1.0
WINDOW_BYTES = 4 << 20
"""Most bytes of a window; at high rates it is shorter than a second."""

NUMBERS = {"u8": "B", "s16": "h", "s32": "i", "s64": "q", "flt": "f", "dbl": "d"}
"""Sample formats of FFmpeg, and their codes in Python's `memoryview`."""

FULL_SCALE = {"B": 2.0**7, "h": 2.0**15, "i": 2.0**31, "q": 2.0**63, "f": 1.0, "d": 1.0}

UNNAMED = "NONE"
"""FFmpeg's name for a channel without a place."""

USUAL = {"1 channels": ("mono",), "2 channels": ("left", "right")}
"""Two channels without names are left and right, as in a plain wav."""

Shape = tuple[int, str, str]


def shape(frame: AudioFrame) -> Shape:
    """Return rate, layout and format. Raises Refused for impossible ones."""
    if not LOWEST_RATE <= frame.sample_rate <= HIGHEST_RATE:
        raise Refused(
            f"The audio states a sample rate of {frame.sample_rate} Hz; "
            f"{LOWEST_RATE} to {HIGHEST_RATE} can be read."
        )
    if frame.layout.nb_channels > MOST_CHANNELS:
        raise Refused(f"The audio has {frame.layout.nb_channels} channels; the most is {MOST_CHANNELS}.")
    return frame.sample_rate, frame.layout.name, frame.format.name


def windows(frames: Iterator[AudioFrame]) -> Iterator[list[AudioFrame]]:
    """Yield runs of frames of one shape, about a second each. Raises Refused."""
    held: list[AudioFrame] = []
    held_shape, room = None, 0.0
    for frame in frames:
        new_shape = shape(frame)
        if held and (new_shape != held_shape or room <= 0):
            yield held
            held = []
        if not held:
            held_shape, room = new_shape, _window_samples(frame)
        held.append(frame)
        room -= frame.samples
    if held:
        yield held


def _window_samples(frame: AudioFrame) -> float:
    each = frame.format.bytes * frame.layout.nb_channels
    return min(frame.sample_rate * WINDOW_SECONDS, WINDOW_BYTES / each)


def numbers(frame: AudioFrame) -> list[memoryview[Any]]:
    """Return a writable view of each channel's samples; an empty list if they cannot be viewed."""
    count, is_planar = frame.layout.nb_channels, frame.format.is_planar
    kind: Any = NUMBERS.get(frame.format.packed.name)
    if kind is None or (is_planar and count > MOST_PLANES):
        return []
    if is_planar:
        return [memoryview(plane).cast(kind)[: frame.samples] for plane in frame.planes[:count]]
    whole = memoryview(frame.planes[0]).cast(kind)[: frame.samples * count]
    return [whole[channel::count] for channel in range(count)]


def is_named(layout: AudioLayout) -> bool:
    """Tell whether the place of each channel is known: the file states it, or it is usual."""
    if layout.name in USUAL:
        return True
    return not any(each.name == UNNAMED for each in layout.channels)


def graph(frame: AudioFrame, *filters: tuple[str, str]) -> Graph:
    """Return a chain of filters, each with its arguments, for frames like this one."""
    made = Graph()
    last = made.add(
        "abuffer",
        sample_rate=str(frame.sample_rate),
        sample_fmt=frame.format.name,
        channel_layout=frame.layout.name,
    )
    for name, arguments in (*filters, ("abuffersink", "")):
        new = made.add(name, arguments or None)
        last.link_to(new)
        last = new
    made.configure()
    return made


def pulled(made: Graph) -> Iterator[AudioFrame]:
    """Yield the frames that the filters have completed."""
    while True:
        try:
            frame = made.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame
