"""Sends the chunks of one recording through the model and puts their segments in order.

Knows nothing of HTTP, formats or the files of models.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import TypeAlias

from govor.audio.policy import in_detail
from govor.contract.recognizers import VoiceDetector
from govor.contract.results import Notice, Segment, Transcript
from govor.engine.alignment.segment_times import spans_silence
from govor.engine.alignment.speaker_labels import Speakers
from govor.engine.alignment.stitching import OverlapStitcher
from govor.engine.model_pool.pool import Loaded
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.scheduling.tasks import InferenceTask
from govor.engine.sources.request_audio import AudioReader
from govor.engine.speakers.diarization import Diarization
from govor.engine.text.stages import TextStages
from govor.engine.transcription.reader import ChunkReader
from govor.engine.transcription.work import Work
from govor.errors import GovorError, TranscriptionFailed, reason
from govor.events import Report
from govor.formats.transcript import assemble
from govor.plain import has_text

Results: TypeAlias = AsyncGenerator[tuple[InferenceTask, Segment | None], None]
"""The segments of each task in order; with None, all of the task's were there."""

log = logging.getLogger(__name__)


class Transcription:
    """The transcription of one recording. Iterate it once for its segments; then `result()` is complete."""

    def __init__(
        self,
        work: Work,
        loaded: Loaded,
        blocks: AudioReader,
        detector: VoiceDetector,
        texts: TextStages,
        queue_timer: QueueTimer,
        report: Report,
        diarization: Diarization | None = None,
        share: FairShare | None = None,
    ):
        """`share`: that of the request, if several channels are transcribed side by side."""
        self._work = work
        self._report = report
        self._texts = texts
        self._diarization = diarization
        self._scheduler = loaded.scheduler
        self._share = share or FairShare.of(blocks.audio.duration, blocks.audio.longest)
        self._permits = loaded.scheduler.ahead.for_request()
        self._long_form = loaded.long_form
        self._reader = ChunkReader(work, blocks, detector, self._permits, report, long_form=self._long_form)
        self.position = work.begin_at
        """Seconds of the recording that need no second transcription if the segments yielded are kept."""
        self._detailed = in_detail(work.options, work.model.spec)
        self._stitcher = OverlapStitcher(work.options)
        self._segments: list[Segment] = []
        self._done = work.begin_at
        self._collected: list[Segment] = []  # of a chunk that may overlap others
        self._begun: list[InferenceTask] = []  # in order, until all their segments were yielded
        self._queue_timer = queue_timer
        self._speakers: Speakers | None = None  # known once the diarizer has had the whole recording
        self.complete = False
        """Whether all segments have been yielded."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Parts of the recording that were not transcribed as asked; known once it is complete."""
        return (*self._reader.notices, *self._texts.notices)

    @property
    def seconds_read(self) -> float:
        """Seconds of the recording decoded so far."""
        return self._reader.seconds

    @property
    def seconds_done(self) -> float:
        """Seconds of the recording that are done: transcribed and yielded, or silence."""
        if self.complete:
            return self.seconds_read
        return self._done if self._begun else max(self._done, self._reader.settled)

    @property
    def seconds_settled(self) -> float:
        """Seconds of the recording before which no further segment begins."""
        if self.complete:
            return self.seconds_read
        return min(max(self._done, self._first_begun), self._stitcher.held_from)

    @property
    def seconds_through(self) -> float:
        """Seconds of the recording whose chunks have all been yielded to their end."""
        if self.complete:
            return self.seconds_read
        return max(self.position, min(self._first_begun, self._stitcher.held_from))

    @property
    def _first_begun(self) -> float:
        return self._begun[0].chunk.start if self._begun else self._reader.settled

    @property
    def seconds_diarized(self) -> float | None:
        """Seconds diarized so far; None: diarization was not asked for, or is over."""
        return None if self._diarization is None or self._speakers else self._diarization.seconds

    @property
    def seconds_stated(self) -> float | None:
        """Length of the recording as its container states it, or the seconds read, if that is more."""
        return self._reader.seconds_stated

    async def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order, each as soon as it is final.

        With a diarizer, none is final before the whole recording was diarized: only then are the speakers
        known. The model works meanwhile, for both read the same blocks, and its segments wait.
        """
        tasks: asyncio.Queue[InferenceTask | GovorError | None] = asyncio.Queue(
            self._scheduler.ahead.chunks + 1
        )
        reader = asyncio.create_task(self._read(tasks), name="read")
        results = _results(tasks)
        if self._diarization is not None:
            results = self._behind_speakers(self._diarization, results)
        try:
            async with aclosing(results):
                async for task, found in results:
                    if found is None:
                        self._conclude(task)
                        continue
                    for stitched, reached in self._stitched(self._whole(found, task), task):
                        segment = await self._texts.process(stitched)
                        parts = self._speakers.split(segment) if self._speakers else [segment]
                        for part in parts:
                            self._segments.append(part)
                            self._done = max(self._done, part.end or 0.0)
                            if part is parts[-1]:
                                self.position = reached
                            yield part
            self.complete = True
            self._report.outcome = "completed"
        except GovorError as error:
            self._report.outcome = error.code
            raise
        finally:
            self._report.audio_seconds = self.seconds_read
            for task in self._begun:
                self._scheduler.cancel(task)
                self._report.recognised(task.timing)
            self._permits.close()
            self._reader.close()
            reader.cancel()
            await asyncio.wait([reader])

    async def _behind_speakers(self, diarization: Diarization, results: Results) -> Results:
        """Yield the results once the speakers are known; until then they are collected."""
        waiting: asyncio.Queue[tuple[InferenceTask, Segment | None] | None] = asyncio.Queue()
        helpers = (
            diarizing := asyncio.create_task(diarization.speakers(), name="diarize"),
            collecting := asyncio.create_task(_collect(results, waiting), name="collect"),
        )
        try:
            done, _ = await asyncio.wait(helpers, return_when=asyncio.FIRST_COMPLETED)
            if collecting in done:
                collecting.result()  # its error ends the request at once
            self._speakers = await diarizing
            while (result := await waiting.get()) is not None:
                yield result
            await collecting
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    def _conclude(self, task: InferenceTask) -> None:
        """Count a task whose segments were all yielded as done."""
        if task.seam is None:
            self._done = self.position = max(self._done, task.end_time)
        self._begun.remove(task)
        self._report.recognised(task.timing)

    def _whole(self, found: Segment, task: InferenceTask) -> Sequence[Segment]:
        """Return all segments of a chunk once the last one is found; of a long-form model, each one."""
        if self._long_form:
            return [found]
        self._collected.append(found)
        if not task.ends_with(found):
            return []
        whole, self._collected = self._collected, []
        return whole

    def _stitched(self, found: Sequence[Segment], task: InferenceTask) -> Iterator[tuple[Segment, float]]:
        """Yield each segment that a task's next ones make final, and the position once it is yielded."""
        for final in self._stitcher.add(found, task.seam) if found else ():
            reached = self.position
            if final.is_last and not self._long_form:
                # within a chunk there is no position: a model that uses its earlier text must get it again
                reached = max(reached, final.seam or task.end_time)
            if has_text(final.segment.text) and (final.seam or math.inf) > self._work.begin_at:
                yield final.segment, reached
            self.position = reached

    async def _read(self, tasks: asyncio.Queue[InferenceTask | GovorError | None]) -> None:
        """Submit chunks as far as the permits allow; the next chunk is read meanwhile."""
        overlapped = False
        try:
            while (chunk := await self._reader.next()) is not None:
                await self._permits.acquire()
                at_seam, overlapped = overlapped or chunk.seam is not None, chunk.seam is not None
                cut_text = not self._long_form and spans_silence(chunk)
                options = self._detailed if at_seam or cut_text else self._work.options
                task = InferenceTask(
                    chunk, options, self._share, self._permits.release, reread=self._reader.reread
                )
                del chunk  # the task drops the audio when it is done
                if not self._begun:
                    self._done = max(self._done, self._reader.settled)
                self._begun.append(task)
                self._scheduler.submit(task)
                self._queue_timer.begin(task, self._scheduler.cancel)
                await tasks.put(task)
        except GovorError as error:
            await tasks.put(error)
        except Exception as error:
            log.exception("Reading the recording failed")
            await tasks.put(TranscriptionFailed(f"Reading failed: {reason(error)}"))
        else:
            await tasks.put(None)

    def result(self) -> Transcript:
        """Return the transcript of all segments yielded."""
        return assemble(
            self._segments,
            self._work.options,
            duration=self.seconds_read,
            model=self._work.model.id,
            notices=self.notices,
        )


async def _results(tasks: asyncio.Queue[InferenceTask | GovorError | None]) -> Results:
    """Yield the results of all tasks. Raises the error of a task, or the one in their place."""
    while (task := await tasks.get()) is not None:
        if isinstance(task, GovorError):
            raise task
        async for found in task:
            yield task, found
        yield task, None


async def _collect(
    results: Results, waiting: asyncio.Queue[tuple[InferenceTask, Segment | None] | None]
) -> None:
    """Move results into a queue; their end is None, also if an error is it."""
    try:
        async with aclosing(results):
            async for result in results:
                waiting.put_nowait(result)
    finally:
        waiting.put_nowait(None)
