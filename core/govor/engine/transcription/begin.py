"""Begins the work on a recording: opens it, leases the model, mixes or separates the channels."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from govor.audio.decoding.processes import Decoders
from govor.contract.models import Feature
from govor.contract.recognizers import VoiceDetector
from govor.engine.admission.admission import AdmissionTicket
from govor.engine.model_pool.pool import Loaded, Pool
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.sources.request_audio import RequestAudio
from govor.engine.speakers.diarization import begin_diarization
from govor.engine.text.stages import TextStages
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
    texts: TextStages,
    ticket: AdmissionTicket,
    report: Report,
) -> AsyncIterator[TranscriptStream]:
    """Open the recording and lease the model, so that errors are raised before the first text.

    Raises InvalidAudio, AudioTooLong, DecoderLost, DecodersUnavailable, ServerBusy, LoadFailed,
    DownloadFailed, InvalidParam (a reference, too many channels).
    """
    async with AsyncExitStack() as stack:
        began = time.monotonic()
        audio = _audio(work, decoders)
        stack.callback(audio.close)
        await audio.open(_languages(work))
        audio.observe = report.decoded
        names = () if work.apart is None else channel_labels(work.apart, audio.channels)
        report.decoded(began, time.monotonic() - began)
        ticket.weigh(audio.duration)
        queue_timer = QueueTimer(ticket)
        stack.callback(queue_timer.close)
        loaded = await stack.enter_async_context(pool.lease(work.model))
        if names and (len(names) > 1 or work.diarize is None):
            conversation = _conversation(work, names, audio, loaded, detector, texts, queue_timer, report)
            audio.begin()
            yield conversation
            return
        diarization, work = None, replace(work, apart=None)
        if work.diarize is not None:
            diarizing = begin_diarization(audio, work.diarize, pool, queue_timer)
            diarization = await stack.enter_async_context(diarizing)
            if Feature.WORDS in work.model.spec.features:  # words with times are assigned to speakers
                work = replace(work, options=replace(work.options, words=True))
        transcription = Transcription(
            work, loaded, audio.reader(), detector, texts, queue_timer, report, diarization
        )
        audio.begin()
        yield transcription


def _audio(work: Work, decoders: Decoders) -> RequestAudio:
    """Return the audio of the work, which may be open."""
    if work.audio is not None:
        return work.audio
    apart = work.apart is not None
    return RequestAudio(work.source, decoders, work.selection, max_seconds=work.max_seconds, apart=apart)


def _languages(work: Work) -> tuple[str, ...]:
    """Return the languages of which a track is preferred: the one that was asked for, or the candidates."""
    language = work.options.language
    return (language,) if language else work.options.languages


def _conversation(
    work: Work,
    names: tuple[str, ...],
    audio: RequestAudio,
    loaded: Loaded,
    detector: VoiceDetector,
    texts: TextStages,
    queue_timer: QueueTimer,
    report: Report,
) -> MultichannelTranscription:
    """Return a transcription whose channels have one fair share: the furthest behind goes first."""
    share = FairShare.of(audio.duration, audio.longest, len(names))
    channels = [
        Transcription(work, loaded, audio.reader(number), detector, texts, queue_timer, report, share=share)
        for number in range(len(names))
    ]
    return MultichannelTranscription(work, names, channels, report)


async def examine(work: Work, decoders: Decoders) -> float | None:
    """Return the seconds that a recording states, without a model; None: it states none.

    Raises InvalidAudio, AudioTooLong, and InvalidParam if its channels cannot be transcribed apart.
    """
    audio = _audio(work, decoders)
    try:
        await audio.open(_languages(work))
        if work.apart is not None:
            channel_labels(work.apart, audio.channels)
        return audio.duration
    finally:
        audio.close()
