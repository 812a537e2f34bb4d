"""Real models that resume an interrupted transcription write the same text as without interruption."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.contract.recognizers import Options
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.settings import Settings
from miniature.heldout import HeldOut
from support.sound import media


@pytest.fixture(scope="module")
def talk(heldout: list[HeldOut], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Held-out recordings with pauses between them."""
    pause = np.zeros(16_000 * 4, np.float32)
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    path.write_bytes(
        media.wav(np.concatenate([part for one in heldout[:6] for part in (one.samples(), pause)]))
    )
    return path


async def attempts(settings: Settings, name: str, path: Path, options: Options) -> list[Any]:
    """Return the whole, then the rest after each segment: lists of (segment, position)."""
    service = Service(settings)

    async def attempt(begin_at: float) -> list[Any]:
        work = Work(path, service.router.choose(name), options, begin_at=begin_at)
        async with (
            service.transcribe(work) as transcription,
            aclosing(aiter(transcription)) as segments,
        ):
            return [(segment, transcription.position) async for segment in segments]

    try:
        whole = await attempt(0.0)
        return [whole, *[await attempt(position) for _, position in whole]]
    finally:
        await service.close()


@pytest.mark.parametrize(
    ("name", "options"), [("echo", Options()), ("mini-v3_rnnt", Options(words=True, logprobs=True))]
)
def test_words_times_and_probabilities_are_those_of_an_attempt_that_was_not_interrupted(
    name: str, options: Options, talk: Path, tables: Any, models_dir: Path
) -> None:
    settings = Settings(models_dir=models_dir, preload=(), plugins=tables, device="cpu")
    whole, *rests = asyncio.run(attempts(settings, name, talk, options))
    assert len(whole) >= 4
    for told, rest in enumerate(rests, start=1):
        assert rest == whole[told:]
