"""The voice detector is a model like any other; if none can be had, the core's own is used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from govor import hookimpl
from govor.audio.energy import EnergyDetector
from govor.contract.models import ModelFile, ModelKind, ModelSpec
from govor.engine.library import remove
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.errors import LoadFailed, ModelBusy, ModelProtected
from govor.models.catalogue import Model
from govor.settings import Settings
from govor.settings.model import ModelSettings
from govor.testing import FakeBackend, FakeDetector, plugins_of
from support.processes.packages import install_package

ABSENT = ModelSpec(
    "absent", (ModelFile("weights.onnx", ("package:no-such-dist/weights.onnx",)),), kind=ModelKind.VAD
)


class Old:
    """A plugin whose hook returns a loaded detector, as in 0.1."""

    def __init__(self) -> None:
        self.detector = FakeDetector()

    @hookimpl
    def vad(self, settings: Any) -> Any:
        class Bare:
            frame = 512
            stream = self.detector.stream

        return Bare()


@asynccontextmanager
async def serving(tmp_path: Path, **plugins: Any) -> AsyncIterator[Service]:
    fields = plugins.pop("fields", {})
    settings = Settings(models_dir=tmp_path / "models", preload=(), offline=True, **fields)
    running = Service(settings, plugins_of(settings, fake=FakeBackend(), **plugins))
    try:
        yield running
    finally:
        await running.close()


async def transcribed(service: Service, path: Path) -> list[str]:
    async with service.transcribe(Work(path, service.router.choose("fake"))) as transcription:
        return [segment.text async for segment in transcription]


def detector_of(service: Service) -> Model:
    return service.catalogue.of_kind(ModelKind.VAD)[0]


async def test_the_first_in_order_is_loaded_once_for_all_requests(
    tmp_path: Path, spoken: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, second = FakeDetector(), FakeDetector(spec=ModelSpec("second", kind=ModelKind.VAD))
    async with serving(tmp_path, z=first, a=second, fields={"order": ("z",)}) as service:
        texts = await asyncio.gather(*(transcribed(service, spoken(1)) for _ in range(3)))
        assert texts == [["1.0 seconds"]] * 3
        assert (first.loads, second.loads) == (1, 0)
        assert {each.model.id for each in service.pool.snapshot().loaded} == {"fake", "fake-detector"}
    assert first.closed == 1
    assert caplog.text.count("Voice detection by 'fake-detector'") == 1


async def test_it_cannot_be_unloaded_or_deleted_while_it_is_used(tmp_path: Path) -> None:
    async with serving(tmp_path, vad=FakeDetector()) as service:
        model = detector_of(service)
        async with service.detectors.lease():
            with pytest.raises(ModelBusy):
                await service.pool.unload(model)
            with pytest.raises(ModelProtected, match="has no files"):
                await remove(service, model)
        assert await service.pool.unload(model)
        async with service.detectors.lease():
            assert service.pool.state(model) == "loaded"


@pytest.mark.parametrize("failure", [LoadFailed("It is no network."), OSError("a bad sector")])
async def test_one_that_does_not_load_leaves_it_to_the_next_or_to_the_cores_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    broken = FakeDetector(failure=failure)
    second = FakeDetector(spec=ModelSpec("second", kind=ModelKind.VAD))
    async with serving(tmp_path, a=broken, b=second) as service:
        async with service.detectors.lease() as detector:
            assert detector is second
        assert service.state(detector_of(service)) == "failed"
    async with serving(tmp_path, a=broken, fields={"disable": ("b",)}) as service:
        for _ in range(3):
            async with service.detectors.lease() as detector:
                assert isinstance(detector, EnergyDetector)
    assert str(failure) in caplog.text
    assert caplog.text.count("Voice detection by 'fake-detector' is not possible") == 2, "once per service"


async def test_one_whose_files_are_absent_is_passed_over_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serving(tmp_path, a=FakeDetector(spec=ABSENT), b=FakeDetector()) as service,
        service.detectors.lease() as detector,
    ):
        assert not isinstance(detector, EnergyDetector)
    assert "Voice detection by 'absent' is not possible" in caplog.text
    assert "not installed" in caplog.text


async def test_its_file_is_used_where_its_package_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path / "site", "voices", {"voices/assets/weights.onnx": b"weights"})
    monkeypatch.syspath_prepend(tmp_path / "site")
    spec = ModelSpec(
        "packaged",
        (ModelFile("weights.onnx", ("package:voices/voices/assets/weights.onnx",)),),
        kind=ModelKind.VAD,
    )
    folders: list[Path] = []

    class Seeing(FakeDetector):
        def load(self, spec: ModelSpec, folder: Path, runtime: Any) -> FakeDetector:
            folders.append(folder)
            return super().load(spec, folder, runtime)

    async with serving(tmp_path, vad=Seeing(spec=spec)) as service:
        async with service.detectors.lease():
            pass
        model = detector_of(service)
        assert (service.state(model), service.store.size(model)) == ("loaded", 7)
        assert folders == [tmp_path / "site" / "voices" / "assets"]
        assert not (tmp_path / "models").exists(), "a read-only models folder is no hindrance"
        with pytest.raises(ModelProtected, match="comes with an installed package"):
            await remove(service, model)


async def test_it_stays_however_soon_other_models_leave(tmp_path: Path, spoken: Callable[..., Path]) -> None:
    detector = FakeDetector()
    async with serving(tmp_path, vad=detector, fields={"ttl": 0}) as service:
        for _ in range(2):
            await transcribed(service, spoken(1))
        assert detector.loads == 1
    tables = {"fake-detector": ModelSettings(ttl=0)}
    detector = FakeDetector()
    async with serving(tmp_path, vad=detector, fields={"ttl": -1, "models": tables}) as service:
        for _ in range(2):
            await transcribed(service, spoken(1))
        assert detector.loads == 2, "unless its own table says so"


async def test_its_leases_do_not_hide_the_memory_of_work(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, vad=FakeDetector()) as service,
        service.detectors.lease(),
        service.pool.lease(service.router.choose("fake")) as loaded,
    ):
        assert [each for each in service.pool.loaded_models.instances() if each.works] == [loaded]


async def test_a_detector_in_the_shape_of_0_1_works_with_a_warning(
    tmp_path: Path, spoken: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path, old=Old()) as service:
        assert await transcribed(service, spoken(1)) == ["1.0 seconds"]
        assert [model.id for model in service.catalogue.of_kind(ModelKind.VAD)] == ["old"]
    assert (
        "the plugin 'old' is written for Govor 0.1: its hook `vad` returns a loaded detector" in caplog.text
    )


async def test_without_any_the_core_has_its_own(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.detectors.lease() as detector:
        assert isinstance(detector, EnergyDetector)
