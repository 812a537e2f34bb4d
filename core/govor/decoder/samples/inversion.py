"""Channels that are one another's inverse: mixed they would be silence, so the louder one stands for both.

All other frames pass as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import mul

from av.audio.frame import AudioFrame

from govor.decoder.samples.frames import FULL_SCALE, is_named, numbers, windows

POINTS, FRAMES = 500, 16
"""What is looked at of a second, at least: enough to tell two that cancel from ordinary stereo."""

SHORTEST_SECONDS = 0.1
"""Below this nothing is learnt: a moment may look like anything."""

CANCELLED = 0.25
"""Two channels cancel if their sum has less than this of the louder one's energy: at equal levels, if their
correlation is below -0.875. Stereo of rooms and studios does not get near it over a second."""

QUIET = 0.1
"""With less than this of the energy at which two channels cancelled, nothing new is known of them."""

SETTLED = 0.5
"""A channel that has given way counts this much: of two that are equally loud, each would lead by turns."""

FADE_SECONDS = 0.02

Points = Sequence[Sequence[float]]


def upright(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield the frames, none later than a second. Raises Refused."""
    known: Inversions | None = None
    for window in windows(frames):
        compared = _compared(window[0])
        if len(compared) < 2:
            known = None
        else:
            count = window[0].layout.nb_channels
            before = None if known is None or len(known.sources) != count else known.sources
            if known is None or before is None:
                known = Inversions(count)
            _learn(known, window, compared)
            after = known.sources
            _rewrite(window, before or after, after)
        yield from window


def _compared(frame: AudioFrame) -> list[int]:
    """Return the channels that may be one another's inverse: all, or left and right of a larger layout."""
    count = frame.layout.nb_channels
    if count < 2 or not numbers(frame):
        return []
    if count > 2 and is_named(frame.layout):
        return [0, 1] if [each.name for each in frame.layout.channels[:2]] == ["FL", "FR"] else []
    return list(range(count))


def _learn(known: Inversions, window: list[AudioFrame], compared: list[int]) -> None:
    """Look at some samples of each channel, the same ones of all."""
    if sum(frame.samples for frame in window) < SHORTEST_SECONDS * window[0].sample_rate:
        return
    views = [numbers(frame) for frame in window[:: max(len(window) // FRAMES, 1)]]
    step = max(sum(len(channels[0]) for channels in views) // POINTS, 1)
    middle = 128 if views[0][0].format == "B" else 0
    points: list[list[float]] = [[] for _ in views[0]]
    for channels in views:
        for found, view in zip(points, channels, strict=True):
            found += view[::step].tolist()
    if middle:
        points = [[each - middle for each in found] for found in points]
    known.learn(points, compared, FULL_SCALE[views[0][0].format] / 2**15)


class Inversions:
    """Which channel is heard in whose place, from window to window."""

    def __init__(self, count: int):
        self.sources = list(range(count))
        """For each channel the one that is heard in its place, mostly itself."""
        self._cancelled = [0.0] * count
        """The energy of each channel that has given way, and its leader's, when they last cancelled."""

    def learn(self, points: Points, compared: list[int], least: float) -> None:
        """Take in a window, some samples of each channel. What is not above `least` is silence."""
        energies = {channel: float(sum(map(mul, points[channel], points[channel]))) for channel in compared}
        silence = least * least * len(points[0])
        sources, leading = list(self.sources), list[int]()

        def loudness(channel: int) -> float:
            return energies[channel] * (1.0 if self.sources[channel] == channel else SETTLED)

        for channel in sorted(compared, key=loudness, reverse=True):
            sources[channel] = channel
            for leader in leading:
                if leader not in (leading[0], self.sources[channel], channel - 1, channel + 1):
                    continue  # comparing each with each would take longer than decoding
                both = energies[channel] + energies[leader]
                rest = both + 2 * sum(map(mul, points[channel], points[leader]))
                cancels = both > silence and rest < CANCELLED * energies[leader]
                if cancels:
                    self._cancelled[channel] = both
                if cancels or (self.sources[channel] == leader and both < QUIET * self._cancelled[channel]):
                    sources[channel] = leader
                    break
            else:
                leading.append(channel)
        self.sources = sources


def _rewrite(window: list[AudioFrame], before: list[int], after: list[int]) -> None:
    """Put channels in others' places; what was heard before is faded out."""
    moved = [channel for channel, source in enumerate(after) if source != channel]
    changed = [channel for channel, source in enumerate(after) if source != before[channel]]
    if not moved and not changed:
        return
    first = numbers(window[0])
    fade = min(round(FADE_SECONDS * window[0].sample_rate), window[0].samples)
    faded = {
        channel: _faded(first[before[channel]][:fade].tolist(), first[after[channel]][:fade].tolist())
        for channel in changed
    }
    for frame in window:
        channels = numbers(frame)
        for channel in moved:
            channels[channel][:] = channels[after[channel]]
    whole = first[0].format not in "fd"
    for channel, samples in faded.items():
        for number, sample in enumerate(samples):
            first[channel][number] = round(sample) if whole else sample


def _faded(old: Sequence[float], new: Sequence[float]) -> list[float]:
    pairs = enumerate(zip(old, new, strict=True))
    return [one + (other - one) * number / len(old) for number, (one, other) in pairs]
