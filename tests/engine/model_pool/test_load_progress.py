"""The progress that a plugin reports of a load is shown meanwhile, and its derived files have a place."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

import govor
from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Recognizer
from govor.engine.model_pool.load_progress import LOG_SECONDS, LoadProgress
from govor.engine.model_pool.pool import Pool
from govor.events import Observer
from govor.models.catalogue import Model
from govor.models.files.store import Store
from govor.testing import FakeBackend, FakeRecognizer
from support.waiting import Turnstile, soon


class Slow(FakeBackend):
    """A family whose loads report something, and stop at the gate after each report."""

    def __init__(self, *stages: tuple[float, str], spec: ModelSpec | None = None):
        super().__init__(spec or ModelSpec("slow"))
        self.stages = stages
        self.turnstile = Turnstile()
        self.derived: list[Path] = []

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> Recognizer:
        for fraction, stage in self.stages:
            govor.report_progress(fraction, stage)
            assert self.turnstile.wait(20)
        self.derived.append(govor.derived_folder(folder))
        return FakeRecognizer(spec)

    @property
    def model(self) -> Model:
        return Model("slow", "family", self.specs[0], self, ())


class Heard(Observer):
    """Keeps what is reported, and in which thread."""

    def __init__(self) -> None:
        self.events: list[tuple[str, float, str]] = []
        self.threads: set[int] = set()

    def loading(self, model: str, fraction: float, stage: str) -> None:
        self.events.append((model, fraction, stage))
        self.threads.add(threading.get_ident())


def shown(pool: Pool) -> tuple[str, float | None, str]:
    (each,) = pool.snapshot().models
    return each.status, each.progress, each.stage


async def test_the_progress_of_a_load_is_shown_and_observed(tmp_path: Path) -> None:
    family, heard = Slow((0.25, "reading"), (7.0, "compiling\x1b[31m")), Heard()
    pool = Pool(Store(tmp_path, offline=True), observer=heard)
    load = asyncio.create_task(pool.load(family.model))
    assert await soon(lambda: bool(heard.events))
    assert shown(pool) == ("loading", 0.25, "reading")
    family.turnstile.open()
    assert await soon(lambda: len(heard.events) == 2)
    assert shown(pool) == ("loading", 1.0, "compiling\\x1B[31m")
    family.turnstile.open()
    await load
    assert shown(pool) == ("loaded", None, "")
    assert heard.events == [("slow", 0.25, "reading"), ("slow", 1.0, "compiling\\x1B[31m")]
    assert heard.threads == {threading.get_ident()}
    await pool.close()


async def test_the_progress_of_a_reload_is_shown_beside_the_model_that_answers(tmp_path: Path) -> None:
    family, heard = Slow(), Heard()
    pool = Pool(Store(tmp_path, offline=True), observer=heard)
    await pool.load(family.model)
    family.stages = ((0.5, "reading"),)
    reload = asyncio.create_task(pool.reload(family.model))
    assert await soon(lambda: bool(heard.events))
    assert shown(pool) == ("loaded", 0.5, "reading")
    family.turnstile.open()
    await reload
    await pool.close()


async def test_small_steps_of_one_stage_are_not_events(tmp_path: Path) -> None:
    heard = Heard()
    progress = LoadProgress("a", heard)
    with progress.reported():
        for number in range(1000):
            govor.report_progress(number / 1000, "reading")
        govor.report_progress(0.999, "checking")
    await asyncio.sleep(0)
    assert len(heard.events) <= 101
    assert heard.events[-1] == ("a", 0.999, "checking")
    govor.report_progress(0.1, "outside of the load")
    assert progress.stage == "checking"


async def test_a_long_load_is_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    progress = LoadProgress("a", Observer(), clock=lambda: now[0])
    with progress.reported():
        for second in range(25):
            now[0] = float(second)
            govor.report_progress(second / 100, "reading")
    assert LOG_SECONDS == 10
    assert [record.getMessage() for record in caplog.records] == [
        "Loading 'a': 10 %, reading",
        "Loading 'a': 20 %, reading",
    ]


@pytest.mark.parametrize("own", [True, False])
async def test_derived_files_go_to_govors_folder_and_never_to_the_operators(
    tmp_path: Path, own: bool
) -> None:
    operators = tmp_path / "operators"
    operators.mkdir()
    spec = ModelSpec("slow", folder=str(operators) if own else "", derived=("*.fast",))
    family, root = Slow(spec=spec), tmp_path / "models"
    pool = Pool(Store(root, offline=True))
    await pool.load(family.model)
    assert family.derived == [root / "family" / "slow"]
    assert family.derived[0].is_dir() == own, "a folder is made only if there is no other for the model"
    await pool.close()


async def test_a_models_folder_that_cannot_be_written_stops_no_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError("read-only")

    spec = ModelSpec("slow", folder=str(tmp_path), derived=("*.fast",))
    family = Slow(spec=spec)
    monkeypatch.setattr(Path, "mkdir", refuse)
    pool = Pool(Store(tmp_path / "models", offline=True))
    await pool.load(family.model)
    assert family.derived == [tmp_path / "models" / "family" / "slow"]
    await pool.close()


def test_outside_of_a_server_derived_files_lie_beside_the_models_own(tmp_path: Path) -> None:
    assert govor.derived_folder(tmp_path) == tmp_path
