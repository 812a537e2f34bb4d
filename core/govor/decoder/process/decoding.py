"""Decode any container and codec of `formats` to 16-bit mono at 16 kHz, packet by packet.

The content determines the format: a recording is a descriptor without a name. Damaged parts become silence.
"""

from __future__ import annotations

import json
import os
import pkgutil
import tempfile
import wave
from collections.abc import Iterator
from importlib import import_module
from itertools import chain, pairwise
from types import TracebackType
from typing import Any, Self

import av
from av.audio.frame import AudioFrame

from govor.decoder.containers.concatenation import next_beginning
from govor.decoder.containers.container import Part
from govor.decoder.containers.durations import longest, stated
from govor.decoder.process.notices import LEAST_MISSING, Notices, is_cut_off, other_tracks, stated_end
from govor.decoder.refusals import Refused
from govor.decoder.samples.clock import Clock, silent
from govor.decoder.samples.mixing import apart, channel_names, mono
from govor.decoder.wire import MOST_APART, TrackSelection

TAG = b"ID3"
"""May begin an mp3, but also ends many a file of another format."""

FREE_PARTS = 20
"""Most recordings that are tried after the first one in a file; beyond that, one per second of sound."""


class Source:
    """An opened recording and one of its audio tracks, with the first frame decoded. Raises Refused."""

    def __init__(self, descriptor: int, selection: TrackSelection):
        self._descriptor = descriptor
        self._selection = selection
        self._part = Part(descriptor, selection)
        self._channels = channel_names(self._part.first)
        self._bytes = os.fstat(descriptor).st_size
        self._clock = Clock(self._bytes)
        self._notices = Notices(other_tracks(self._part, selection))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._part.close()

    @property
    def facts(self) -> dict[str, Any]:
        """Facts from the container: its format and the number of its `tracks`; the track's number from 0, its
        codec and the names of its `channels`; the `duration` in seconds, if it states a possible one;
        `longest`, the most seconds that the file can hold.
        """
        container, track = self._part.container, self._part.track
        most = longest(container, track, self._bytes)
        return {
            "format": container.format.name,
            "tracks": len(container.streams.audio),
            "track": container.streams.audio.index(track),
            "codec": track.codec_context.name,
            "channels": self._channels,
            "duration": stated(container, most),
            "longest": most,
        }

    @property
    def heard(self) -> float:
        """Seconds decoded so far."""
        return self._clock.position - self._clock.filled

    @property
    def filled(self) -> float:
        """Seconds of silence in place of missing sound."""
        return self._clock.filled

    @property
    def notices(self) -> list[dict[str, Any]]:
        """Notices of what was not decoded; complete once all samples were yielded."""
        return self._notices.told()

    @property
    def rows(self) -> int:
        """Channels that are decoded apart; 1: they are mixed down, or one is selected."""
        count = len(self._channels)
        return count if self._selection.apart and 1 < count <= MOST_APART else 1

    def pcm(self) -> Iterator[list[bytes]]:
        """Yield as many samples for each of the `rows`; the rate or layout may change in between.

        Raises Refused.
        """
        if self.rows > 1:
            yield from apart(self._all_frames(), self.rows)
        else:
            yield from ([samples] for samples in mono(self._all_frames(), self._selection.channel))

    def _all_frames(self) -> Iterator[AudioFrame]:
        """Yield frames, with silence in place of missing ones."""
        for part in self._parts():
            self._clock.begin(part.container)
            began = self._clock.position
            for (frame, lost), (following, _) in pairwise(chain(part.frames(), [(None, 0.0)])):
                assert frame is not None
                at, silence = self._clock.position, self._clock.hole(frame, lost, following)
                if lost:
                    self._notices.add("damaged", at, at + silence, silence)
                elif silence >= LEAST_MISSING and at > began:  # before: late, not missing
                    self._notices.add("missing", at, at + silence, silence)
                yield from silent(frame, silence)
                frame.pts = None  # gaps and jumps in timestamps must not upset the resampler
                yield frame
            self._note_end(part, began)

    def _note_end(self, part: Part, began: float) -> None:
        """Note audio that is missing at the end of a recording."""
        at = self._clock.position
        if is_cut_off(part, at - began) or (part.is_torn and not part.may_be_followed):
            self._notices.add("cut_off", at, stated_end(part))
        elif part.lost >= LEAST_MISSING:
            self._notices.add("damaged", at, at + part.lost, part.lost)

    def _parts(self) -> Iterator[Part]:
        """Yield the recording, and others after it in the file, each once the one before has ended."""
        yield self._part
        tried, at = 0, self._part.end
        while self._part.may_be_followed and tried < FREE_PARTS + self.heard:
            beginning = next_beginning(self._descriptor, at)
            if beginning is None:
                return
            tried, at = tried + 1, beginning + 1
            try:
                part = Part(self._descriptor, self._selection, beginning)
            except Refused:
                if os.pread(self._descriptor, len(TAG), beginning) != TAG:
                    self._notices.add("unheard", self._clock.position)
                continue
            self._part.close()
            self._part = part
            yield part
            at = max(at, part.end)


def import_all() -> None:
    """Import the modules that PyAV imports on first use, such as subtitles: later no file can be opened."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__") and not module.name.startswith("av.datasets"):
            import_module(module.name)


def warm_up() -> None:
    """Decode a moment of silence, so that everything loaded on first use is loaded beforehand."""
    with tempfile.TemporaryFile() as file:
        with wave.open(file, "wb") as wav:
            wav.setparams((2, 2, 44_100, 0, "NONE", ""))
            wav.writeframes(bytes(4 * 4410))
        file.seek(0)
        with Source(file.fileno(), TrackSelection()) as source:
            json.dumps(source.facts)
            list(source.pcm())
