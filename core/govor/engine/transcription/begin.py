"""How the work on a recording begins: opened, with the model held, in one piece or channel by channel."""

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
from govor.decoder.wire import Wishes
from govor.engine.model_pool.pool import Loaded, Pool
from govor.engine.scheduling.admission import Place
from govor.engine.scheduling.queue_timeout import Patience
from govor.engine.scheduling.tasks import Share
from govor.engine.speakers.diarization import begin_diarization
from govor.engine.transcription.channels import party_names
from govor.engine.transcription.conversation import Conversation
from govor.engine.transcription.pipeline import Transcription, Work
from govor.engine.transcription.stream import Hearing
from govor.events import Report


@asynccontextmanager
async def begin(
    work: Work, decoders: Decoders, pool: Pool, detector: VoiceDetector, place: Place, report: Report
) -> AsyncIterator[Hearing]:
    """Open the recording and hold the model, so that whatever is wrong is known before the first text.

    Raises InvalidAudio, AudioTooLong, DecoderLost, DecodersUnavailable, ServerBusy, LoadFailed,
    DownloadFailed, InvalidParam (a reference, too many channels).
    """
    work = _with_tags(work)
    async with AsyncExitStack() as stack:
        began = time.monotonic()
        recordings, names = await _open(work, decoders, stack)
        recording = recordings[0]
        report.decoded(began, time.monotonic() - began)
        place.weigh(recording.duration)
        patience = Patience(place)
        stack.callback(patience.close)
        loaded = await stack.enter_async_context(pool.lease(work.model))
        if names and (len(names) > 1 or work.diarize is None):
            yield _conversation(work, names, recordings, loaded, detector, patience, report)
            return
        diarization, work = None, replace(work, parties=None)
        if work.diarize is not None:
            diarizing = begin_diarization(
                work.path, work.diarize, decoders, pool, work.max_seconds, patience, work.wishes
            )
            diarization = await stack.enter_async_context(diarizing)
            if Feature.WORDS in work.model.spec.features:  # they tell whose each word is
                work = replace(work, options=replace(work.options, words=True))
        yield Transcription(work, loaded, recording, detector, patience, report, diarization)


def _with_tags(work: Work) -> Work:
    """Return work that prefers a track of the language that is asked for."""
    language, languages = work.options.language, work.options.languages
    return replace(work, wishes=tagged(work.wishes, [language] if language else languages))


async def _open(
    work: Work, decoders: Decoders, stack: AsyncExitStack
) -> tuple[list[Recording], tuple[str, ...]]:
    """Return the recording, or each of its channels, and their names; none where they are mixed."""

    async def opened(wishes: Wishes) -> Recording:
        recording = await open_recording(work.path, decoders, work.max_seconds, wishes)
        stack.callback(recording.close)
        return recording

    if work.parties is None:
        return [await opened(work.wishes)], ()
    first = await opened(replace(work.wishes, channel=0))
    names = party_names(work.parties, first.channels)
    if len(names) > 1:
        same = replace(work.wishes, track=str(first.track))  # it may have been chosen among several
        others = [await opened(replace(same, channel=number)) for number in range(1, len(names))]
        return [first, *others], names
    first.close()
    return [await opened(work.wishes)], names  # to the sample as any recording of one channel


def _conversation(
    work: Work,
    names: tuple[str, ...],
    recordings: list[Recording],
    loaded: Loaded,
    detector: VoiceDetector,
    patience: Patience,
    report: Report,
) -> Conversation:
    """All channels have one share of the model's lane: in it, the one that is furthest behind goes first."""
    share = Share.of(*recordings)
    channels = [
        Transcription(work, loaded, recording, detector, patience, report, share=share)
        for recording in recordings
    ]
    return Conversation(work, names, channels, report)


async def examine(work: Work, decoders: Decoders) -> float | None:
    """Return the seconds that a recording states, without a model. Raises InvalidAudio, AudioTooLong,
    InvalidParam where its channels cannot be heard apart."""
    work = _with_tags(work)
    wishes = work.wishes if work.parties is None else replace(work.wishes, channel=0)
    recording = await open_recording(work.path, decoders, work.max_seconds, wishes)
    recording.close()
    if work.parties is not None:
        party_names(work.parties, recording.channels)
    return recording.duration
