"""Audio that is pushed: its samples wait for the reader, but not many of them."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from govor.contract.audio import BLOCK_SECONDS, SAMPLE_RATE, Audio
from govor.engine.sources.live_audio import LEAST_SECONDS, QUEUED_SECONDS, LiveAudio
from govor.errors import InvalidAudio, UploadStalled


def ramp(seconds: float) -> Audio:
    return np.linspace(0, 1, round(seconds * SAMPLE_RATE), dtype=np.float32)


async def whole(live: LiveAudio) -> list[Audio]:
    blocks = []
    while (block := await live.read()) is not None:
        blocks.append(block)
    return blocks


@pytest.mark.parametrize("piece", [160, 1_000, 50_000, 1_000_000])
async def test_all_samples_come_in_order_in_blocks_of_bounded_length(piece: int) -> None:
    live, audio = LiveAudio(), ramp(33.3)
    reading = asyncio.create_task(whole(live))
    for start in range(0, len(audio), piece):
        await live.feed(audio[start : start + piece])
    live.finish()
    blocks = await reading
    assert np.array_equal(np.concatenate(blocks), audio)
    seconds = [len(block) / SAMPLE_RATE for block in blocks]
    assert max(seconds) <= BLOCK_SECONDS
    assert min(seconds[:-1]) >= LEAST_SECONDS


async def test_its_owner_waits_while_enough_is_queued() -> None:
    live = LiveAudio()
    feeding = asyncio.create_task(live.feed(ramp(60)))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not feeding.done()
    assert QUEUED_SECONDS <= live.seconds <= QUEUED_SECONDS + BLOCK_SECONDS
    assert await live.read() is not None
    assert await live.read() is not None
    for _ in range(50):
        await asyncio.sleep(0)
    assert live.seconds > QUEUED_SECONDS + BLOCK_SECONDS
    assert not feeding.done()
    live.close()
    await feeding


async def test_closing_it_lets_nobody_wait() -> None:
    live = LiveAudio()
    feeding = asyncio.create_task(live.feed(ramp(60)))
    await asyncio.sleep(0)
    live.close()
    await feeding
    assert await live.read() is None
    await live.feed(ramp(60))


async def test_a_reader_does_not_wait_for_ever_for_an_owner_who_is_silent() -> None:
    live = LiveAudio(idle_seconds=0.01)
    await live.feed(ramp(0.1))
    with pytest.raises(UploadStalled, match="No audio has come"):
        await live.read()


async def test_what_is_no_audio_or_comes_after_the_end_is_refused() -> None:
    live = LiveAudio()
    for wrong in (np.zeros(9), np.zeros((2, 9), np.float32)):
        with pytest.raises(InvalidAudio, match="float32"):
            await live.feed(wrong)
    live.finish()
    with pytest.raises(InvalidAudio, match="finished"):
        await live.feed(ramp(1))
