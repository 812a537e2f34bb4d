"""Replace channels that are each other's inverse by the louder one: their mix would be silence.

All other frames stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import mul

from av.audio.frame import AudioFrame

from govor.decoder.samples.frames import FULL_SCALE, is_named, numbers, windows

POINTS, FRAMES = 500, 16
"""Least samples and frames examined per second: enough to distinguish cancelling channels from stereo."""

SHORTEST_SECONDS = 0.1
"""A shorter window is not examined: a moment may look like anything."""

CANCELLED = 0.25
"""Two channels cancel if their sum has less than this of the louder one's energy: at equal levels, if their
correlation is below -0.875. Stereo of rooms and studios does not get near it over a second."""

QUIET = 0.1
"""If the energy is below this share of that at which two channels cancelled, the earlier result holds."""

SETTLED = 0.5
"""Weight of a replaced channel: otherwise two equally loud ones would replace each other in turn."""

FADE_SECONDS = 0.02

Points = Sequence[Sequence[float]]


def upright(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield the frames, none more than a second late. Raises Refused."""
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
    """Return the channels that are compared: all, or left and right of a larger layout."""
    count = frame.layout.nb_channels
    if count < 2 or not numbers(frame):
        return []
    if count > 2 and is_named(frame.layout):
        return [0, 1] if [each.name for each in frame.layout.channels[:2]] == ["FL", "FR"] else []
    return list(range(count))


def _learn(known: Inversions, window: list[AudioFrame], compared: list[int]) -> None:
    """Examine some samples of each channel, at the same places in all."""
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
    """Finds, from window to window, which channel replaces which."""

    def __init__(self, count: int):
        self.sources = list(range(count))
        """For each channel the one that is used in its place, mostly itself."""
        self._cancelled = [0.0] * count
        """Per replaced channel, its energy and its replacement's when they last cancelled."""

    def learn(self, points: Points, compared: list[int], least: float) -> None:
        """Examine a window of some samples of each channel. Samples up to `least` count as silence."""
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
    """Copy the replacements into the frames, with a fade from the earlier ones."""
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
