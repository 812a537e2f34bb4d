"""The way of one recording: its chunks through the model, and their segments put in order.

Knows nothing of HTTP, formats or where a model's files are.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Iterator

from govor.audio.decoding.recording import Recording
from govor.audio.policy import in_detail
from govor.contract.recognition import Notice, Segment, Transcript, VoiceDetector
from govor.engine.alignment.segment_times import spans_silence
from govor.engine.alignment.speaker_labels import Speakers
from govor.engine.alignment.stitching import OverlapStitcher
from govor.engine.model_pool.pool import Loaded
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.scheduling.tasks import InferenceTask
from govor.engine.speakers.diarization import Diarization
from govor.engine.transcription.reader import ChunkReader
from govor.engine.transcription.work import Work
from govor.errors import GovorError, TranscriptionFailed, reason
from govor.events import Report
from govor.formats.transcript import assemble
from govor.plain import has_text

log = logging.getLogger(__name__)


class Transcription:
    """One recording on its way. Iterate it once for its segments; afterwards `result()` is whole."""

    def __init__(
        self,
        work: Work,
        loaded: Loaded,
        recording: Recording,
        detector: VoiceDetector,
        queue_timer: QueueTimer,
        report: Report,
        diarization: Diarization | None = None,
        share: FairShare | None = None,
    ):
        """`share` is that of the request, where it hears several channels side by side."""
        self._work = work
        self._report = report
        self._diarization = diarization
        self._scheduler = loaded.scheduler
        self._share = share or FairShare.of(recording)
        self._permits = loaded.scheduler.ahead.for_request()
        self._long_form = loaded.long_form
        self._reader = ChunkReader(
            work, recording, detector, self._permits, report, long_form=self._long_form
        )
        self.position = work.begin_at
        """Seconds of the recording that need not be heard again when what was yielded of them is kept."""
        self._detailed = in_detail(work.options, work.model.spec)
        self._stitcher = OverlapStitcher(work.options)
        self._segments: list[Segment] = []
        self._done = work.begin_at
        self._begun: list[InferenceTask] = []  # in order; a task leaves when all its segments were yielded
        self._queue_timer = queue_timer
        self.complete = False
        """All segments have been yielded."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What of the recording was not heard; known once it is complete."""
        return self._reader.notices

    @property
    def seconds_read(self) -> float:
        """Seconds of the recording decoded so far."""
        return self._reader.seconds

    @property
    def seconds_done(self) -> float:
        """Seconds of the recording that are done: recognised and told, or silence."""
        if self.complete:
            return self.seconds_read
        return self._done if self._begun else max(self._done, self._reader.settled)

    @property
    def seconds_settled(self) -> float:
        """Seconds of the recording before which no segment begins any more."""
        if self.complete:
            return self.seconds_read
        return min(max(self._done, self._first_begun), self._stitcher.held_from)

    @property
    def seconds_through(self) -> float:
        """Seconds of the recording of which no chunk is left that is not told to its end."""
        if self.complete:
            return self.seconds_read
        return max(self.position, min(self._first_begun, self._stitcher.held_from))

    @property
    def _first_begun(self) -> float:
        return self._begun[0].chunk.start if self._begun else self._reader.settled

    @property
    def seconds_diarized(self) -> float | None:
        """Seconds in which speakers are told apart so far; None: nobody asked, or that is over."""
        return self._diarization.seconds if self._diarization and not self.seconds_read else None

    @property
    def seconds_stated(self) -> float | None:
        """Length of the recording as its container states it, or what was read of it, where that is more."""
        return self._reader.seconds_stated

    async def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield segments with text, in order, each as soon as it is final.

        Where speakers are told apart, that comes first: who they are is known at the end of the recording.
        """
        tasks: asyncio.Queue[InferenceTask | GovorError | None] = asyncio.Queue(
            self._scheduler.ahead.chunks + 1
        )
        reader = None
        try:
            speakers = await self._diarization.speakers() if self._diarization else None
            reader = asyncio.create_task(self._read(tasks), name="read")
            while (task := await tasks.get()) is not None:
                if isinstance(task, GovorError):
                    raise task
                async for heard in task:
                    for part in self._final(heard, task, speakers):
                        self._segments.append(part)
                        self._done = max(self._done, part.end or 0.0)
                        yield part
                if task.seam is None:
                    self._done = self.position = max(self._done, task.end_time)
                self._begun.remove(task)
                self._report.recognised(task.timing)
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
            if reader is not None:
                reader.cancel()
                await asyncio.wait([reader])

    def _final(self, heard: Segment, task: InferenceTask, speakers: Speakers | None) -> Iterator[Segment]:
        """Yield what is final with a task's next segment; the position moves with the last part of each."""
        last_of_turn = not self._long_form and task.ends_with(heard)
        detailed = task.options is self._detailed
        seam_behind = task.seam if last_of_turn else None
        told = None if last_of_turn else task.seam  # of what lies before the last, too
        for segment, seam in self._stitcher.add(heard, seam_behind, detailed=detailed):
            # a model that carries its text on within a chunk must hear all of it again
            reached = max(self.position, seam or (task.end_time if last_of_turn else 0.0))
            if has_text(segment.text) and (seam or told or math.inf) > self._work.begin_at:
                *others, last = speakers.split(segment) if speakers else [segment]
                yield from others
                self.position = reached
                yield last
            self.position = reached

    async def _read(self, tasks: asyncio.Queue[InferenceTask | GovorError | None]) -> None:
        """Hand chunks to the scheduler as far as its permits go; the next one is read meanwhile."""
        loop = asyncio.get_running_loop()
        overlapped = False
        try:
            while (chunk := await loop.run_in_executor(None, self._reader.next)) is not None:
                await self._permits.acquire()
                at_seam, overlapped = overlapped or chunk.seam is not None, chunk.seam is not None
                cut_text = not self._long_form and spans_silence(chunk)
                options = self._detailed if at_seam or cut_text else self._work.options
                task = InferenceTask(chunk, options, self._share, self._permits.release)
                del chunk  # the task lets go of it when it is done
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
        """The transcript of all that has been yielded."""
        return assemble(
            self._segments,
            self._work.options,
            duration=self.seconds_read,
            model=self._work.model.id,
            notices=self._reader.notices,
        )
