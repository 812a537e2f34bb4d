"""Begins the work on a recording: opens it, leases the model, mixes or separates the channels."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from govor.audio.decoding.opening import open_recording, tagged
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.models import Feature
from govor.contract.recognition import VoiceDetector
from govor.decoder.wire import TrackSelection
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.model_pool.pool import Loaded, Pool
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.speakers.diarization import begin_diarization
from govor.engine.transcription.channels import channel_labels
from govor.engine.transcription.conversation import MultichannelTranscription
from govor.engine.transcription.pipeline import Transcription
from govor.engine.transcription.stream import TranscriptStream
from govor.engine.transcription.work import Work
from govor.events import Report


@asynccontextmanager
async def begin(
    work: Work,
    decoders: Decoders,
    pool: Pool,
    detector: VoiceDetector,
    ticket: AdmissionTicket,
    report: Report,
) -> AsyncIterator[TranscriptStream]:
    """Open the recording and lease the model, so that errors are raised before the first text.

    Raises InvalidAudio, AudioTooLong, DecoderLost, DecodersUnavailable, ServerBusy, LoadFailed,
    DownloadFailed, InvalidParam (a reference, too many channels).
    """
    work = _with_tags(work)
    async with AsyncExitStack() as stack:
        began = time.monotonic()
        recordings, names = await _open(work, decoders, stack)
        recording = recordings[0]
        report.decoded(began, time.monotonic() - began)
        ticket.weigh(recording.duration)
        queue_timer = QueueTimer(ticket)
        stack.callback(queue_timer.close)
        loaded = await stack.enter_async_context(pool.lease(work.model))
        if names and (len(names) > 1 or work.diarize is None):
            yield _conversation(work, names, recordings, loaded, detector, queue_timer, report)
            return
        diarization, work = None, replace(work, parties=None)
        if work.diarize is not None:
            diarizing = begin_diarization(
                work.path, work.diarize, decoders, pool, work.max_seconds, queue_timer, work.selection
            )
            diarization = await stack.enter_async_context(diarizing)
            if Feature.WORDS in work.model.spec.features:  # words with times are assigned to speakers
                work = replace(work, options=replace(work.options, words=True))
        yield Transcription(work, loaded, recording, detector, queue_timer, report, diarization)


def _with_tags(work: Work) -> Work:
    """Return work that prefers a track in the language that was asked for."""
    language, languages = work.options.language, work.options.languages
    return replace(work, selection=tagged(work.selection, [language] if language else languages))


async def _open(
    work: Work, decoders: Decoders, stack: AsyncExitStack
) -> tuple[list[Recording], tuple[str, ...]]:
    """Return the recording without names or, if channels are separate, each channel with its name."""

    async def opened(selection: TrackSelection) -> Recording:
        recording = await open_recording(work.path, decoders, work.max_seconds, selection)
        stack.callback(recording.close)
        return recording

    if work.parties is None:
        return [await opened(work.selection)], ()
    first = await opened(replace(work.selection, channel=0))
    names = channel_labels(work.parties, first.channels)
    if len(names) > 1:
        same = replace(work.selection, track=str(first.track))  # the file may have several tracks
        others = [await opened(replace(same, channel=number)) for number in range(1, len(names))]
        return [first, *others], names
    first.close()
    return [await opened(work.selection)], names  # decoded sample by sample like any mono recording


def _conversation(
    work: Work,
    names: tuple[str, ...],
    recordings: list[Recording],
    loaded: Loaded,
    detector: VoiceDetector,
    queue_timer: QueueTimer,
    report: Report,
) -> MultichannelTranscription:
    """Return a transcription whose channels have one fair share: the furthest behind goes first."""
    share = FairShare.of(*recordings)
    channels = [
        Transcription(work, loaded, recording, detector, queue_timer, report, share=share)
        for recording in recordings
    ]
    return MultichannelTranscription(work, names, channels, report)


async def examine(work: Work, decoders: Decoders) -> float | None:
    """Return the seconds that a recording states, without a model; None: it states none.

    Raises InvalidAudio, AudioTooLong, and InvalidParam if its channels cannot be transcribed apart.
    """
    work = _with_tags(work)
    selection = work.selection if work.parties is None else replace(work.selection, channel=0)
    recording = await open_recording(work.path, decoders, work.max_seconds, selection)
    recording.close()
    if work.parties is not None:
        channel_labels(work.parties, recording.channels)
    return recording.duration
