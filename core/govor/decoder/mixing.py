"""Decoded frames of any rate and layout to 16-bit mono at 16 kHz: all channels mixed, or one of them."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.audio.frame import AudioFrame
from av.error import FFmpegError

from govor.decoder.refusals import Refused, check_memory

SAMPLE_RATE = 16_000
HIGHEST_RATE = 768_000
"""Hz. A resampler's filters grow with the rate that a file states: 250 MHz take 2 GB. DXD, the highest rate
that is recorded at, has 352,800."""

MOST_CHANNELS = 64
"""What FFmpeg converts at once."""

FREE_CHANGES = 100
"""Changes of rate, layout or sample format that any recording may have; more: one a second of sound. Each
needs a new resampler, and a file of 15 kB can have a thousand."""

UNNAMED = "NONE"
"""FFmpeg's word for a channel that no layout names."""
PLAIN_NAMES = {"FL": "left", "FR": "right", "FC": "centre"}
"""Words for what FFmpeg calls front left, front right, front center."""
USUAL = {
    "mono": ["mono"],
    "1 channels": ["mono"],
    "2 channels": ["left", "right"],
}


def channel_names(frame: AudioFrame) -> list[str]:
    """Return a name for each channel, in plain words; where one has none, numbers from 1.

    Two without names are left and right, as everybody takes those of a plain wav.
    """
    channels = frame.layout.channels
    if frame.layout.name in USUAL:
        return USUAL[frame.layout.name]
    names = [PLAIN_NAMES.get(channel.name, channel.description) for channel in channels]
    if len(set(names)) < len(names) or UNNAMED in {channel.name for channel in channels}:
        return [str(number) for number in range(1, len(channels) + 1)]
    return names


def mono(frames: Iterator[AudioFrame], channel: int | None = None) -> Iterator[bytes]:
    """Yield samples of all channels or one, from 0. A change of rate or layout on the way is followed; a part
    that lacks the channel is silent. Raises Refused, also where the first frame lacks it."""
    shape, convert, changes, samples = None, _Conversion(channel), 0, 0
    for frame in frames:
        if shape is None:
            _check_channel(frame, channel)
            shape = _shape(frame)
        elif _shape(frame) != shape:
            yield from convert.feed(None)
            shape, convert, changes = _shape(frame), _Conversion(channel), changes + 1
            if changes > FREE_CHANGES + samples / SAMPLE_RATE:
                raise Refused("The audio changes its format more than once a second.", "changes")
        for piece in convert.feed(frame):
            samples += len(piece) // 2
            yield piece
    yield from convert.feed(None)


def _check_channel(frame: AudioFrame, channel: int | None) -> None:
    have = frame.layout.nb_channels
    if channel is not None and channel >= have:
        there = "one channel, number 0" if have == 1 else f"{have} channels, numbers 0 to {have - 1}"
        raise Refused(f"The audio has {there}; channel {channel} is not among them.")


def _shape(frame: AudioFrame) -> tuple[int, str, str]:
    if frame.sample_rate > HIGHEST_RATE:
        raise Refused(
            f"The audio states a sample rate of {frame.sample_rate} Hz; the most is {HIGHEST_RATE}."
        )
    if frame.layout.nb_channels > MOST_CHANNELS:
        raise Refused(f"The audio has {frame.layout.nb_channels} channels; the most is {MOST_CHANNELS}.")
    return frame.sample_rate, frame.layout.name, frame.format.name


class _Conversion:
    """Frames of one shape on their way to samples."""

    def __init__(self, channel: int | None):
        self._channel = channel
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        self._picked: av.filter.Graph | None = None

    def feed(self, frame: AudioFrame | None) -> Iterator[bytes]:
        """Yield samples of one frame; None flushes what is still held. Raises Refused."""
        try:
            if self._channel is None:
                out = self._resampler.resample(frame)
            else:
                out = self._pick(frame, self._channel)
        except (FFmpegError, ValueError) as error:
            check_memory(error)
            if frame is not None:
                raise Refused(f"The audio cannot be converted to 16 kHz mono: {error}") from error
            return
        for each in out:
            yield bytes(memoryview(each.planes[0])[: 2 * each.samples])  # the plane is padded

    def _pick(self, frame: AudioFrame | None, channel: int) -> list[AudioFrame]:
        if self._picked is None:
            if frame is None:
                return []
            has = channel < frame.layout.nb_channels
            self._picked = _panned(frame, f"c{channel}" if has else "0*c0")
        self._picked.push(frame)
        return list(_pulled(self._picked))


def _panned(frame: AudioFrame, mix: str) -> av.filter.Graph:
    """Return a graph from frames like this one to samples; `mix` is in the words of the filter `pan`."""
    graph = av.filter.Graph()
    source = graph.add(
        "abuffer",
        sample_rate=str(frame.sample_rate),
        sample_fmt=frame.format.name,
        channel_layout=frame.layout.name,
    )
    pan = graph.add("pan", f"mono|c0={mix}")
    form = graph.add("aformat", sample_rates=str(SAMPLE_RATE), sample_fmts="s16", channel_layouts="mono")
    sink = graph.add("abuffersink")
    source.link_to(pan)
    pan.link_to(form)
    form.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: av.filter.Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame
