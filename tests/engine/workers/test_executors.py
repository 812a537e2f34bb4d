"""Models that a plugin's executor runs elsewhere: which devices are its own, and what it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.engine.model_pool.pool import Loaded
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.work import Work
from govor.errors import BackendUnavailable, LoadFailed
from govor.plugins import Plugins
from govor.settings import Settings
from govor.settings.model import ModelSettings
from govor.testing import (
    FakeBackend,
    FakeDetector,
    FakeDiarizer,
    FakeLongForm,
    FakeRecognizer,
    FakeStreaming,
    plugins_of,
)
from support.executors import FakeExecutor

SPEC = ModelSpec("fake", memory=10**9)
LOST = BackendUnavailable("The other process has ended.")


class Failing(FakeLongForm):
    """A long-form model that is lost in the second window of its first recording."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        for number, segment in enumerate(super().transcribe_long(audio, options)):
            if number == 1:
                raise LOST
            yield segment


@asynccontextmanager
async def serving(tmp_path: Path, *executors: FakeExecutor, **fields: Any) -> AsyncIterator[Service]:
    settings = Settings(models_dir=tmp_path / "models", preload=(), **fields)
    plugins: dict[str, object] = {f"far{number}": each for number, each in enumerate(executors)}
    running = Service(
        settings,
        plugins_of(settings, here=FakeBackend(SPEC), vad=FakeDetector(), diarizer=FakeDiarizer(), **plugins),
    )
    try:
        yield running
    finally:
        await running.close()


async def transcribed(service: Service, path: Path, **fields: Any) -> list[str]:
    work = Work(path, service.router.choose("fake"), **fields)
    async with service.transcribe(work) as transcription:
        return [segment.text async for segment in transcription]


async def lease(service: Service) -> Loaded:
    async with service.pool.lease(service.router.choose("fake")) as loaded:
        return loaded


async def test_a_device_of_an_executor_is_run_by_it(tmp_path: Path, spoken: Callable[..., Path]) -> None:
    far = FakeExecutor("far", recognizer=lambda spec: FakeRecognizer(spec, parallel=2))
    async with serving(tmp_path, far, device="far:east") as service:
        assert await transcribed(service, spoken(1)) == ["1.0 seconds"]
        ((plugin, spec, folder, runtime),) = far.loads
        assert (plugin, spec, runtime.device) == ("here", SPEC, "far:east")
        assert folder == service.store.folder(service.router.choose("fake"))
        (shown,) = (each for each in service.pool.snapshot().loaded if each.model.id == "fake")
        assert (shown.runtime, shown.memory, shown.workers) == (RuntimeOptions("far:east"), 0, 2)
    assert [worker.recognizer.closed for worker in far.workers] == [1]  # type: ignore[attr-defined]


async def test_a_model_that_only_streams_transcribes_recordings_there(
    tmp_path: Path, spoken: Callable[..., Path]
) -> None:
    far = FakeExecutor("far", recognizer=FakeStreaming)
    async with serving(tmp_path, far, device="far:east") as service:
        assert await transcribed(service, spoken(1)) == ["1.0 seconds"]


async def test_an_executor_gets_only_models_whose_device_is_its_own(tmp_path: Path) -> None:
    far = FakeExecutor("far", recognizer=FakeRecognizer)
    tables = {"fake": ModelSettings(device="cuda:1")}
    async with serving(tmp_path, far, device="far:east", models=tables) as service:
        assert (await lease(service)).runtime.device == "cuda:1"
    assert far.loads == []


async def test_models_that_write_no_text_stay_here(tmp_path: Path, spoken: Callable[..., Path]) -> None:
    far = FakeExecutor("far", recognizer=FakeRecognizer)
    async with serving(tmp_path, far, device="far:east") as service:
        await transcribed(service, spoken(1), diarize=Diarize(service.router.diarizer()))
        devices = {each.model.id: each.runtime.device for each in service.pool.loaded_models.instances()}
        assert devices == {"fake": "far:east", "fake-diarizer": "auto", "fake-detector": "cpu"}
    assert [spec.id for _, spec, _, _ in far.loads] == ["fake"]


async def test_of_two_executors_with_one_scheme_the_first_in_order_has_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (FakeExecutor("far", *more, recognizer=FakeRecognizer) for more in ((), ("near",)))
    async with serving(tmp_path, first, second, order=["far1", "far0"], device="far:east") as service:
        await lease(service)
    assert (first.loads, len(second.loads)) == ([], 1)
    assert "Devices 'far:…' are run by 'far1', not by 'far0'" in caplog.text


@pytest.mark.parametrize(
    ("schemes", "known"), [([], "none"), (["far"], "far:"), (["ray", "process"], "process:, ray:")]
)
async def test_a_scheme_that_no_plugin_has_is_refused_when_the_model_is_loaded(
    tmp_path: Path, schemes: list[str], known: str
) -> None:
    executors = [FakeExecutor(scheme, recognizer=FakeRecognizer) for scheme in schemes]
    async with serving(tmp_path, *executors, device="moon:base") as service:
        with pytest.raises(LoadFailed) as caught:
            await lease(service)
    assert str(caught.value) == (
        f"No plugin runs the device 'moon:base' of 'fake'. Schemes that plugins run: {known}."
    )


@pytest.mark.parametrize("failure", [LoadFailed("There is no node 'east'."), OSError("no route")])
async def test_an_executor_that_cannot_load_gives_the_reason(tmp_path: Path, failure: Exception) -> None:
    far = FakeExecutor("far", recognizer=FakeRecognizer)
    far.failure = failure
    async with serving(tmp_path, far, device="far:east") as service:
        with pytest.raises(LoadFailed, match=str(failure)):
            await lease(service)


async def test_windows_are_done_where_the_model_is_and_nothing_is_written_twice_after_a_loss(
    tmp_path: Path, spoken: Callable[..., Path]
) -> None:
    kinds: list[Callable[[ModelSpec], FakeLongForm]] = [Failing, FakeLongForm]
    far = FakeExecutor("far", recognizer=lambda spec: kinds.pop(0)(spec))
    async with serving(tmp_path, far, device="far:east") as service:
        async with service.transcribe(Work(spoken(4), service.router.choose("fake"))) as transcription:
            found = [segment async for segment in transcription]
        assert [(round(each.start or 0), round(each.end or 0)) for each in found] == [
            (0, 1),
            (1, 2),
            (2, 3),
            (3, 4),
        ]
        events = [event.what for event in service.pool.snapshot().events if event.model == "fake"]
        assert events == ["loaded", "failed", "reloaded"]
        assert [worker.tasks for worker in far.workers] == [{}, {}]


@pytest.mark.parametrize("schemes", [(), ("cuda",), ("auto",), ("Far",), ("far:",), ("",), "far"])
def test_schemes_that_are_none_fail_the_plugin(schemes: Any) -> None:
    far = FakeExecutor(recognizer=FakeRecognizer)
    far.schemes = schemes
    plugins: Plugins = plugins_of(Settings(), far=far)
    (plugin,) = plugins
    assert plugin.state == "failed"
    assert "scheme" in plugin.reason
    assert plugins.executors() == {}


@pytest.mark.parametrize("device", ["ray:gpu-1", "process:2", "ssh:user@host:22"])
def test_a_device_of_an_executor_is_a_valid_setting(device: str) -> None:
    assert Settings(device=device).device == device


@pytest.mark.parametrize("device", ["cuda:x", "cpu:1", "auto:x", "ray:", "ray", "Ray:x", ":x", "ray: x"])
def test_a_device_that_can_be_none_is_refused_at_once(device: str) -> None:
    with pytest.raises(ValidationError, match="SCHEME:NAME"):
        Settings(device=device)
