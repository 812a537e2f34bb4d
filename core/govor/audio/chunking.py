"""Cut speech into chunks that a model can take in one call, while the recording is still being read.

A chunk joins neighbouring regions of speech and leaves out the silence between them. It records where each
part came from, so that times can be converted to those of the recording. Memory is bounded by one chunk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from govor.audio.buffers import Probabilities, SampleBuffer
from govor.audio.clicks import soften
from govor.audio.edge_padding import EdgePadding, quiet
from govor.audio.quiet_voices import Listener
from govor.audio.regions import Region, SpeechFinder, SpeechRules
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.recognizers import VoiceDetector

NO_DETECTION = SpeechRules(threshold=0.0, silence=1e6, padding=0.0)
"""Rules that take the whole recording for speech."""

CUT_FROM = 0.6  # a region that is too long is cut in the last two fifths of the allowed length


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Limits for the length of chunks, in seconds."""

    maximum: float
    """Longest chunk; a longer region is cut where speech is least probable."""
    target: float
    """A chunk is closed rather than grown beyond this."""
    gap: float = float("inf")
    """A silence as long as this closes a chunk."""
    overlap: float = 0.0
    """Seconds that both chunks contain if a region is cut amid speech; 0: a word may be cut in half."""
    rim: float = 0.0
    """Quiet added if the recording begins or ends amid speech."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio for one call, and the places of its parts in the recording. Counts are in samples."""

    audio: Audio
    offsets: tuple[int, ...]
    """Start of each part in `audio`."""
    starts: tuple[int, ...]
    """Start of each part in the recording."""
    seam: float | None = None
    """Seconds of the recording. If set, the next chunk overlaps this one: it begins as long before the seam
    as this one ends after it.
    """
    tail: int = 0
    """Samples of added quiet at the end of `audio`, like those before its first part."""

    @property
    def until(self) -> int:
        """End of the last part in `audio`."""
        return len(self.audio) - self.tail

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.audio) / SAMPLE_RATE

    @property
    def start(self) -> float:
        """Start, in seconds of the recording."""
        return self.starts[0] / SAMPLE_RATE

    @property
    def end(self) -> float:
        """End, in seconds of the recording."""
        return self.recording_time(self.seconds, is_end=True)

    def without_audio(self) -> Chunk:
        """Return the same chunk with an array of zeros that takes no memory."""
        return replace(self, audio=np.broadcast_to(np.float32(0), self.audio.shape))

    def rest(self, seconds: float) -> Chunk:
        """Return the chunk without its first `seconds`."""
        cut = min(round(seconds * SAMPLE_RATE), self.until)
        ends = [*self.offsets[1:], self.until]
        parts = [
            (max(offset - cut, 0), start + max(cut - offset, 0))
            for offset, start, end in zip(self.offsets, self.starts, ends, strict=True)
            if end > cut or end == self.until
        ]
        offsets, starts = zip(*parts, strict=True)
        return replace(self, audio=self.audio[cut:], offsets=offsets, starts=starts)

    def recording_time(self, seconds: float, *, is_end: bool = False) -> float:
        """Convert a time in `audio` to one of the recording; an end between parts is the earlier one's."""
        # In whole samples, for 1001 / 16000 * 16000 is less than 1001; Whisper's times may exceed the end.
        sample = min(max(round(seconds * SAMPLE_RATE), self.offsets[0]), self.until)
        side = bisect_left if is_end else bisect_right
        part = max(side(self.offsets, sample) - 1, 0)
        return (self.starts[part] + sample - self.offsets[part]) / SAMPLE_RATE


class Chunker:
    """Turns the blocks of one recording into chunks."""

    def __init__(self, detector: VoiceDetector, rules: SpeechRules, packing: ChunkSizes):
        self._frame = detector.frame
        self._listener = Listener(detector, rules.threshold)
        self._finder = SpeechFinder(rules, detector.frame)
        self.packing = packing
        self._buffer = SampleBuffer()
        self._probabilities = Probabilities(detector.frame)
        self._rest: Audio = np.empty(0, np.float32)  # less than a frame, not yet seen by the detector
        self._cut = 0  # speech before this sample has been emitted
        self._parts: list[Region] = []  # of the open chunk
        self._pieces: list[Audio] = []  # their samples, which are copied only once: five minutes take 19 MB
        self._packed = 0  # samples in _parts
        self._edges = EdgePadding(detector.frame)

    @property
    def packing(self) -> ChunkSizes:
        """The limits in use; may be changed between two blocks."""
        return self._packing

    @packing.setter
    def packing(self, packing: ChunkSizes) -> None:
        self._packing = packing
        self._maximum = round(packing.maximum * SAMPLE_RATE)
        self._target = min(round(packing.target * SAMPLE_RATE), self._maximum)
        self._gap = packing.gap * SAMPLE_RATE
        self._half_overlap = min(round(packing.overlap / 2 * SAMPLE_RATE), self._maximum // 10)

    @property
    def seconds(self) -> float:
        """Seconds of the recording read so far."""
        return self._buffer.total / SAMPLE_RATE

    @property
    def held(self) -> float:
        """Seconds of speech that are not yet part of an emitted chunk."""
        inside = self._finder.inside
        still_open = 0 if inside is None else self._buffer.total - max(inside, self._cut)
        return (self._packed + still_open) / SAMPLE_RATE

    @property
    def settled(self) -> float:
        """Seconds of the recording up to which all is silence or in emitted chunks."""
        parts = self._parts[:1]
        return (parts[0].start if parts else max(self._finder.keep_from, self._cut)) / SAMPLE_RATE

    def feed(self, block: Audio) -> Iterator[Chunk]:
        """Take the next block, of any length; yield the chunks that it completes."""
        self._buffer.append(block)
        fresh = np.concatenate([self._rest, block])
        whole = len(fresh) // self._frame * self._frame
        self._rest = fresh[whole:]
        if whole:
            for region in self._regions(self._listener.feed(fresh[:whole])):
                yield from self._take(region)
        if self._finder.inside is not None:
            yield from self._take_open(self._finder.inside)
        keep = max(self._finder.keep_from, self._cut)
        self._buffer.forget(keep)
        self._probabilities.forget(keep)
        if self._parts and keep - self._packed_until() > self._gap:
            yield self._close()

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left at the end of the recording."""
        filled = np.zeros(self._frame, np.float32)
        filled[: len(self._rest)] = self._rest
        last = np.concatenate([self._listener.feed(filled), self._listener.finish()])
        for region in self._regions(last) + self._finder.finish(self._buffer.total):
            yield from self._take(region)
        if self._parts:
            yield self._close(is_last=True)

    def _regions(self, probabilities: NDArray[np.float32]) -> list[Region]:
        self._edges.add(probabilities)
        self._probabilities.append(probabilities)
        return self._finder.add(probabilities)

    def _take(self, region: Region) -> Iterator[Chunk]:
        """Pack a final region, or the part of it that is left."""
        start = max(region.start, self._cut)
        while region.end - start > self._maximum:
            start = yield from self._split(start)
        if region.end > start:
            yield from self._pack(Region(start, region.end))

    def _take_open(self, inside: int) -> Iterator[Chunk]:
        """Emit chunks from an open region that is too long to wait for its end."""
        start = max(inside, self._cut)
        while self._finder.certain_end - start > self._maximum:
            start = yield from self._split(start)

    def _split(self, start: int) -> Generator[Chunk, None, int]:
        """Emit a chunk from the beginning of a region that is too long; return where the rest begins."""
        low, high = start + int(CUT_FROM * self._maximum), start + self._maximum
        cut, is_pause = self._probabilities.best_cut(low, high - self._half_overlap)
        half = 0 if is_pause else self._half_overlap
        yield from self._pack(Region(start, cut + half))
        if half:
            yield self._close(seam=cut / SAMPLE_RATE)
        self._cut = cut - half
        return self._cut

    def _pack(self, region: Region) -> Iterator[Chunk]:
        length = region.end - region.start
        if self._parts and (
            self._packed + length > self._target or region.start - self._packed_until() >= self._gap
        ):
            yield self._close()
        pieces = self._buffer.pieces(region)
        self._parts.append(Region(region.start, region.start + sum(map(len, pieces))))
        self._pieces += pieces
        self._packed += length

    def _packed_until(self) -> int:
        return self._parts[-1].end

    def _close(self, seam: float | None = None, *, is_last: bool = False) -> Chunk:
        lengths = [part.end - part.start for part in self._parts]
        lead, tail = self._added(is_last)
        audio = np.concatenate(self._pieces)
        soften(audio)
        if lead or tail:
            audio = np.concatenate([quiet(lead, [audio]), audio, quiet(tail, [audio])])
        audio.flags.writeable = False
        offsets = np.cumsum([lead, *lengths[:-1]]).tolist()
        chunk = Chunk(audio, tuple(offsets), tuple(part.start for part in self._parts), seam, tail)
        self._parts, self._pieces, self._packed = [], [], 0
        return chunk

    def _added(self, is_last: bool) -> tuple[int, int]:
        """Return how many samples of quiet the open chunk needs before and after it."""
        rim, room = round(self._packing.rim * SAMPLE_RATE), max(self._maximum - self._packed, 0)
        begins = self._parts[0].start == 0 and self._edges.begins_amid_speech
        lead = min(rim, room) if begins else 0
        total = self._buffer.total
        ends = is_last and self._packed_until() == total and self._edges.ends_amid_speech(total)
        return lead, min(rim, room - lead) if ends else 0


def cut(blocks: Iterable[Audio], cutter: Chunker) -> Iterator[Chunk]:
    """Yield the chunks of a whole recording, each as soon as it is complete."""
    for block in blocks:
        yield from cutter.feed(block)
    yield from cutter.finish()
