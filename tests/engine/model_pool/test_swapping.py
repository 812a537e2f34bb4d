"""Real models in and out of memory: two GigaAM miniatures, and whisper-base, of another library."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from govor.contract.recognizers import Options
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.errors import ModelBusy, ModelUnloaded
from govor.settings import Settings
from miniature.halves import widen_folder

pytest.importorskip("govor_gigaam_onnx", reason="the miniature needs govor-gigaam-onnx")
pytestmark = pytest.mark.slow

MINIATURES = Path(__file__).parents[2] / "miniature/models"
SPOKEN = Path(__file__).parents[2] / "miniature/heldout/trained-00.ogg"
SMALL = ("v3_ctc", "v3_rnnt")
MB = 10**6
DETECTOR = 6 * MB  # silero-v6 is in use while the models of requests change


@asynccontextmanager
async def service_of(folder: Path, models: Path, budget: int = 0) -> AsyncIterator[Service]:
    for head in SMALL:
        widen_folder(MINIATURES / head, folder / head)
    tables = {
        "gigaam-onnx": {"models": [{"id": head, "folder": str(folder / head)} for head in SMALL]},
        "whisper": {"temperature_fallback": False},
    }
    service = Service(
        Settings(models_dir=models, preload=(), plugins=tables, memory_budget=budget, device="cpu")
    )
    service.pool.probe.read = lambda: None  # so that the sizes of the files count
    try:
        yield service
    finally:
        await service.close()


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def text_of(service: Service, model: str, path: Path) -> str:
    work = Work(path, service.router.choose(model), Options(language="ru"))
    async with service.transcribe(work) as transcription:
        async for _ in transcription:
            pass
    return transcription.result().text


@pytest.mark.parametrize("fitting", ["both fit", "one fits"])
def test_a_hundred_requests_that_change_the_model_are_all_right(fitting: str, tmp_path: Path) -> None:
    take = partial(take_turns, folder=tmp_path, models_dir=tmp_path / "models", path=SPOKEN, names=SMALL)
    budget = 0
    if fitting == "one fits":
        asyncio.run(take(0, requests=2))  # the first load writes further files
        budget = max(bytes_of(tmp_path / head) for head in SMALL) + DETECTOR
    asyncio.run(take(budget, requests=100))


def test_whisper_makes_way_for_another_library_and_comes_back(
    tmp_path: Path, models_dir: Path, samples: Path
) -> None:
    names = ("whisper-base", "v3_ctc")
    asyncio.run(
        take_turns(281 * MB + DETECTOR, tmp_path, models_dir, samples / "ru_short.wav", names, requests=6)
    )


async def take_turns(
    budget: int, folder: Path, models_dir: Path, path: Path, names: tuple[str, str], *, requests: int
) -> None:
    async with service_of(folder, models_dir, budget) as service:
        wanted = {name: await text_of(service, name, path) for name in names}
        assert all(wanted.values())
        assert wanted.get("whisper-base") in (None, "Я хочу заказать столик на двоих.")
        for number in range(requests):
            name = names[number % 2]
            assert await text_of(service, name, path) == wanted[name]
            assert not budget or service.pool.loaded_models.used <= budget
        happened = Counter(event.what for event in service.pool.loaded_models.history)
        assert (happened["evicted"] >= min(requests, 20)) == bool(budget)


def test_two_hundred_commands_in_any_order_leave_the_model_right(tmp_path: Path) -> None:
    asyncio.run(command_at_random(tmp_path, SPOKEN))


async def command_at_random(folder: Path, path: Path) -> None:
    chance = random.Random(5)
    async with service_of(folder, folder / "models") as service:
        model, pool = service.router.choose("v3_ctc"), service.pool
        wanted, answers = await text_of(service, "v3_ctc", path), Counter[str]()
        assert wanted

        async def command(kind: str) -> None:
            try:
                if kind == "transcribe":
                    assert await text_of(service, "v3_ctc", path) == wanted
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
        assert await text_of(service, "v3_ctc", path) == wanted
    assert not list(pool.loaded_models.instances())
