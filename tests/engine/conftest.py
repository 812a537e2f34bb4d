"""Tests that are coroutines, each in an event loop of its own, and services made of fakes."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.contract.models import ModelSpec
from govor.contract.recognizers import Recognizer
from govor.contract.streaming import Streaming
from govor.engine.service import Service
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, hum, plugins_of, silence
from support.sound import media

TEST_SECONDS = 25
FAKE = ModelSpec("fake")

Serving = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine; what its tasks and futures left unsaid fails it as well."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    unsaid: list[dict[str, Any]] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: unsaid.append(context))
        async with asyncio.timeout(TEST_SECONDS):
            await pyfuncitem.obj(**arguments)
        gc.collect()

    asyncio.run(story())
    assert not unsaid
    return True


@pytest.fixture
def spoken(tmp_path: Path) -> Callable[..., Path]:
    """Write a wav: a number is that many seconds of voice, a negative one of silence."""

    def write(*seconds: float, name: str = "spoken.wav") -> Path:
        pieces = [hum(length) if length > 0 else silence(-length) for length in seconds]
        path = tmp_path / name
        path.write_bytes(media.wav(np.concatenate(pieces)))
        return path

    return write


@pytest.fixture
def service(tmp_path: Path) -> Serving:
    """A service of one fake model, called "fake"; closed when the block ends."""

    @asynccontextmanager
    async def open_service(
        recognizer: Callable[[ModelSpec], Recognizer | Streaming] = FakeRecognizer,
        spec: ModelSpec = FAKE,
        detector: object = None,
        diarizer: object = None,
        texts: Sequence[object] = (),
        **fields: Any,
    ) -> AsyncIterator[Service]:
        settings = Settings(models_dir=tmp_path / "models", preload=(), **fields)
        backend = FakeBackend(spec, recognizer=recognizer)
        plugins = {"fake": backend, "vad": detector or FakeDetector()}
        if diarizer is not None:
            plugins["diarizer"] = diarizer
        plugins |= {f"text{number}": each for number, each in enumerate(texts)}
        running = Service(settings, plugins_of(settings, **plugins))
        try:
            yield running
        finally:
            await running.close()

    return open_service
