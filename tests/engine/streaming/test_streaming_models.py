"""A model that only streams, in a running service: recordings and sessions go through its streams."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.contract.models import ModelSpec
from govor.engine.plugin_server import ServiceTranscriber
from govor.errors import LoadFailed, TranscriptionFailed
from govor.testing import FakeRecognizer, FakeStreaming, hum, silence

SPEC = ModelSpec("fake", max_seconds=8)


async def told(running: Any, source: Any) -> list[tuple[str, float | None, float | None]]:
    transcriber = ServiceTranscriber(running)
    async with transcriber.transcribe(source, "fake") as heard, aclosing(aiter(heard)) as segments:
        return [(each.text, each.start, each.end) async for each in segments]


async def test_a_recording_has_the_text_of_a_model_that_transcribes(
    service: Any, spoken: Callable[..., Path]
) -> None:
    path = spoken(1.5, -4, 30, -5, 2)
    async with service(FakeRecognizer, SPEC) as running:
        wanted = await told(running, path)
    loaded: list[FakeStreaming] = []

    def streaming(spec: ModelSpec) -> Any:
        loaded.append(FakeStreaming(spec, batch=3))
        return loaded[-1]

    async with service(streaming, SPEC) as running:
        assert await told(running, path) == wanted
    (model,) = loaded
    assert len(model.streams) == len(wanted)
    assert (all(stream.closed for stream in model.streams), model.closed) == (True, 1)


async def test_a_session_goes_through_its_streams(service: Any) -> None:
    async with (
        service(FakeStreaming, SPEC) as running,
        ServiceTranscriber(running).session("fake") as session,
    ):
        await session.feed(np.concatenate([hum(1.5), silence(4), hum(2)]))
        await session.finish()
        async with aclosing(aiter(session)) as segments:
            assert [segment.text async for segment in segments] == ["1.7 seconds", "2.2 seconds"]


async def test_a_model_that_streams_no_further_fails_the_request(
    service: Any, spoken: Callable[..., Path]
) -> None:
    loaded: list[FakeStreaming] = []

    def streaming(spec: ModelSpec) -> Any:
        loaded.append(FakeStreaming(spec))
        return loaded[-1]

    async with service(streaming, SPEC) as running:
        assert await told(running, spoken(1))
        loaded[0].failure = RuntimeError("out of tune")
        with pytest.raises(TranscriptionFailed, match="out of tune"):
            await told(running, spoken(1))
        assert all(stream.closed for stream in loaded[0].streams)


async def test_a_model_that_declares_streams_and_has_none_is_not_loaded(
    service: Any, spoken: Callable[..., Path]
) -> None:
    class Mute(FakeStreaming):
        advance = None  # type: ignore[assignment]

    async with service(Mute, SPEC) as running:
        with pytest.raises(LoadFailed, match=r"declares govor\.Capability\.STREAM, but lacks the method adv"):
            await told(running, spoken(1))
