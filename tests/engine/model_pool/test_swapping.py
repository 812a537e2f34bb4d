"""Real models in and out of memory: whisper-base, and the GigaAM miniature."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from govor.contract.recognizers import Options
from govor.engine.model_pool.process_memory import MemoryProbe
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.errors import ModelBusy, ModelUnloaded
from govor.settings import Settings
from miniature.halves import widen_folder

pytest.importorskip("govor_gigaam_onnx", reason="the miniature needs govor-gigaam-onnx")
pytestmark = pytest.mark.slow

MINIATURE = Path(__file__).parents[2] / "miniature/models/v3_ctc"
MB = 10**6


@asynccontextmanager
async def service_of(folder: Path, models: Path, budget: int) -> AsyncIterator[Service]:
    widen_folder(MINIATURE, folder / "mini")
    tables = {
        "gigaam-onnx": {"models": [{"id": "mini", "folder": str(folder / "mini")}]},
        "whisper": {"temperature_fallback": False},
    }
    service = Service(
        Settings(models_dir=models, preload=(), plugins=tables, memory_budget=budget, device="cpu")
    )
    service.pool._admission._loader._probe = MemoryProbe(
        lambda: None
    )  # so that 280 MB count, as its spec says
    try:
        yield service
    finally:
        await service.close()


async def text_of(service: Service, model: str, path: Path) -> str:
    work = Work(path, service.router.choose(model), Options(language="ru"))
    async with service.transcribe(work) as transcription:
        async for _ in transcription:
            pass
    return transcription.result().text


@pytest.mark.parametrize("budget", [0, 281 * MB], ids=["both fit", "one fits"])
def test_a_hundred_requests_that_change_the_model_are_all_right(
    budget: int, tmp_path: Path, models_dir: Path, samples: Path
) -> None:
    asyncio.run(take_turns(budget, tmp_path, models_dir, samples / "ru_short.wav"))


async def take_turns(budget: int, folder: Path, models_dir: Path, path: Path) -> None:
    async with service_of(folder, models_dir, budget) as service:
        wanted = {name: await text_of(service, name, path) for name in ("whisper-base", "mini")}
        assert wanted["whisper-base"] == "Я хочу заказать столик на двоих."
        assert wanted["mini"]
        for number in range(100):
            name = ("whisper-base", "mini")[number % 2]
            assert await text_of(service, name, path) == wanted[name]
            assert not budget or service.pool.loaded_models.used <= budget
        happened = Counter(event.what for event in service.pool.loaded_models.history)
        assert (happened["evicted"] > 20) == bool(budget)


def test_two_hundred_commands_in_any_order_leave_the_embedded_model_right(
    tmp_path: Path, models_dir: Path, samples: Path
) -> None:
    asyncio.run(command_at_random(tmp_path, models_dir, samples / "ru_short.wav"))


async def command_at_random(folder: Path, models_dir: Path, path: Path) -> None:
    chance = random.Random(5)
    async with service_of(folder, models_dir, 0) as service:
        model, pool = service.router.choose("whisper-base"), service.pool
        wanted, answers = "Я хочу заказать столик на двоих.", Counter[str]()

        async def command(kind: str) -> None:
            try:
                if kind == "transcribe":
                    assert await text_of(service, "whisper-base", path) == wanted
                elif kind == "reload":
                    await pool.reload(model)
                elif kind == "load":
                    await pool.load(model)
                elif kind == "unload":
                    await pool.unload(model)
                else:
                    async with pool.emptied(model, force=True):
                        assert pool.loaded(model) is None
                answers[kind] += 1
            except (ModelBusy, ModelUnloaded) as error:
                answers[error.code] += 1

        kinds = ("transcribe", "transcribe", "load", "unload", "reload", "delete")
        waiting: set[asyncio.Task[None]] = set()
        for _ in range(200):
            waiting.add(asyncio.create_task(command(chance.choice(kinds))))
            if len(waiting) >= 3:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(*waiting)
        assert sum(answers.values()) == 200
        assert answers["transcribe"] > 20
        assert await text_of(service, "whisper-base", path) == wanted
    assert not list(pool.loaded_models.instances())
