"""A transcription of audio that is still coming."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.engine.plugin_server import ServiceTranscriber
from govor.errors import AudioTooLong, ModelNotFound, TranscriptionFailed, UploadStalled
from govor.testing import FakeRecognizer, hum, silence
from support.waiting import soon

TALK = (1.5, -4, 2, -3.5, 3)
SPEC = ModelSpec("fake", max_seconds=8)


def sound(*seconds: float) -> Audio:
    return np.concatenate([hum(each) if each > 0 else silence(-each) for each in seconds])


def pieces(audio: Audio, size: int = 1_000) -> list[Audio]:
    return [audio[start : start + size] for start in range(0, len(audio), size)]


Told = list[tuple[str, float | None, float | None]]


async def rest(session: Any) -> Told:
    async with aclosing(aiter(session)) as segments:
        return [(each.text, each.start, each.end) async for each in segments]


@pytest.mark.parametrize("size", [320, 5_000, 200_000])
async def test_pushed_audio_gives_the_text_of_a_recording(
    size: int, service: Any, spoken: Callable[..., Path]
) -> None:
    async with service(spec=SPEC) as running:
        transcriber = ServiceTranscriber(running)
        async with transcriber.transcribe(spoken(*TALK), "fake") as heard:
            wanted = await rest(heard)
            result = heard.result()
        async with transcriber.session("fake") as session:
            for piece in pieces(sound(*TALK), size):
                await session.feed(piece)
            await session.finish()
            assert await rest(session) == wanted
            assert session.result() == result


async def test_segments_come_while_audio_still_comes(service: Any) -> None:
    async with service(spec=SPEC) as running, ServiceTranscriber(running).session("fake") as session:
        reading = asyncio.create_task(anext(aiter(session)))
        for piece in pieces(sound(1.5, -6)):
            await session.feed(piece)
        assert (await reading).text == "1.7 seconds"
        assert session.result().text == "1.7 seconds"


async def test_who_feeds_waits_for_a_model_that_cannot_follow(service: Any) -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    async with (
        service(lambda spec: model, SPEC) as running,
        ServiceTranscriber(running).session("fake") as session,
    ):
        feeding = asyncio.create_task(session.feed(sound(*[5, -4] * 20)))
        assert await asyncio.to_thread(model.begun.acquire, timeout=10)
        assert not await soon(feeding.done, seconds=0.2)
        model.gate.set()
        await feeding
        await session.finish()
        assert len(await rest(session)) == 20


async def test_leaving_the_block_frees_everything(service: Any) -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    async with service(lambda spec: model, SPEC) as running:
        chosen = running.router.choose("fake")
        async with ServiceTranscriber(running).session("fake") as session:
            await session.feed(sound(2, -6))
            assert await asyncio.to_thread(model.begun.acquire, timeout=10)
            assert (running.admission.inside, running.pool.leases(chosen)) == (1, 1)
        assert (running.admission.inside, running.pool.leases(chosen)) == (0, 0)
        model.gate.set()


async def test_an_error_before_any_text_is_raised_where_audio_is_fed_or_finished(service: Any) -> None:
    async with service(spec=SPEC) as running:
        async with ServiceTranscriber(running).session("absent") as session:
            with pytest.raises(ModelNotFound):
                await session.finish()
            with pytest.raises(ModelNotFound):
                await session.feed(hum(1))
            with pytest.raises(ModelNotFound):
                await rest(session)
        assert running.admission.inside == 0


async def test_a_model_that_fails_ends_the_session(service: Any) -> None:
    class Failing(FakeRecognizer):
        def transcribe(self, batch: Any, options: Options) -> list[Segment]:
            raise RuntimeError("out of tune")

    async with (
        service(Failing, SPEC) as running,
        ServiceTranscriber(running).session("fake") as session,
    ):
        await session.feed(sound(2, -6))
        with pytest.raises(TranscriptionFailed, match="out of tune"):
            await rest(session)
        with pytest.raises(TranscriptionFailed, match="out of tune"):
            await session.feed(hum(1))


async def test_the_servers_longest_recording_is_the_longest_session(service: Any) -> None:
    async with (
        service(spec=SPEC, max_audio_seconds=5) as running,
        ServiceTranscriber(running).session("fake") as session,
    ):
        with pytest.raises(AudioTooLong):
            await session.feed(sound(60))
        with pytest.raises(AudioTooLong):
            await rest(session)


async def test_a_session_of_which_no_audio_comes_ends(service: Any) -> None:
    async with (
        service(spec=SPEC, body_timeout=0.05) as running,
        ServiceTranscriber(running).session("fake") as session,
    ):
        await session.feed(hum(1))
        with pytest.raises(UploadStalled):
            await rest(session)
