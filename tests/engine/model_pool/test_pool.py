"""Models in memory: loaded once for all who ask, told when they fail, freed once."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from govor.audio.chunking import Chunk
from govor.contract.models import ModelFile, ModelSpec, RuntimeOptions
from govor.contract.recognizers import Options
from govor.engine.model_pool.load_backoff import LoadBackoff
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.pool import Loaded, Pool
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.tasks import InferenceTask
from govor.errors import LoadFailed, ModelNotInstalled, ShuttingDown
from govor.models.catalogue import Model
from govor.models.files.removal import remove
from govor.models.files.store import Store
from govor.models.manifest import Digest, write_record
from govor.testing import FakeBackend, FakeLongForm, FakeRecognizer, hum
from support.models.small_models import BYTES, file_of
from support.waiting import soon

OpenPool = Callable[[], Any]


@pytest.fixture
def pool_of(tmp_path: Path) -> OpenPool:
    """A pool over an empty folder; closed when the block ends."""

    @asynccontextmanager
    async def open_pool() -> AsyncIterator[Pool]:
        pool = Pool(Store(tmp_path, offline=True), LoadSettingsTable("cpu"), failures=LoadBackoff(pause=0))
        try:
            yield pool
        finally:
            await pool.close()

    return open_pool


def model_of(backend: FakeBackend) -> Model:
    """The family's first model."""
    spec = backend.specs[0]
    return Model(spec.id, "family", spec, backend, ())


async def lease(pool: Pool, model: Model) -> Loaded:
    """Hold the model for a moment."""
    async with pool.lease(model) as loaded:
        return loaded


async def begun(backend: FakeBackend, loads: int = 1) -> None:
    """Wait until `load` has been called so often."""
    assert await soon(lambda: len(backend.loads) == loads)


async def test_a_model_is_loaded_once_for_all_who_ask_at_once(pool_of: OpenPool) -> None:
    backend = FakeBackend(gate=threading.Event())
    async with pool_of() as pool:
        waiting = [asyncio.create_task(lease(pool, model_of(backend))) for _ in range(5)]
        await begun(backend)
        backend.gate.set()
        loaded = await asyncio.gather(*waiting)
    assert len(backend.loads) == 1
    assert all(each is loaded[0] for each in loaded)


async def test_a_loaded_model_stays_loaded(pool_of: OpenPool) -> None:
    backend = FakeBackend()
    async with pool_of() as pool:
        assert await lease(pool, model_of(backend)) is await lease(pool, model_of(backend))
        assert backend.loaded["fake"].closed == 0
    assert len(backend.loads) == 1


async def test_the_backend_gets_spec_folder_and_runtime(pool_of: OpenPool, tmp_path: Path) -> None:
    backend = FakeBackend()
    async with pool_of() as pool:
        await lease(pool, model_of(backend))
    assert backend.loads == [("fake", tmp_path / "family" / "fake", RuntimeOptions("cpu"))]


@pytest.mark.parametrize(("family", "long_form"), [(FakeRecognizer, False), (FakeLongForm, True)])
async def test_a_model_that_windows_itself_is_known_as_such(
    family: Any, long_form: bool, pool_of: OpenPool
) -> None:
    async with pool_of() as pool:
        loaded = await lease(pool, model_of(FakeBackend(recognizer=family)))
        assert loaded.long_form is long_form


async def test_leases_are_counted_however_they_end(pool_of: OpenPool) -> None:
    async with pool_of() as pool:
        model = model_of(FakeBackend())
        async with pool.lease(model) as loaded, pool.lease(model):
            assert loaded.leases == 2
        with pytest.raises(KeyError):
            async with pool.lease(model):
                raise KeyError
        assert loaded.leases == 0


async def test_a_failed_load_is_told_to_all_who_wait_and_tried_again_by_the_next(pool_of: OpenPool) -> None:
    backend = FakeBackend(gate=threading.Event(), failure=OSError("a bad sector"))
    model = model_of(backend)
    async with pool_of() as pool:
        waiting = [asyncio.create_task(lease(pool, model)) for _ in range(3)]
        await begun(backend)
        backend.gate.set()
        for error in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(error, LoadFailed)
            assert "'fake' cannot be loaded: OSError: a bad sector" in str(error)
        assert len(backend.loads) == 1
        backend.failure = None
        await lease(pool, model)
        assert len(backend.loads) == 2


async def test_a_load_that_fails_names_damaged_files_and_the_cure(pool_of: OpenPool, tmp_path: Path) -> None:
    spec = ModelSpec("fake", (file_of("weights.bin"), file_of("words.bin")))
    backend = FakeBackend(spec, failure=ValueError("bad magic number"))
    model, store = model_of(backend), Store(tmp_path, offline=True)
    folder = store.folder(model)
    folder.mkdir(parents=True)
    for file in spec.files:
        (folder / file.name).write_bytes(BYTES)
    write_record(folder, {file.name: Digest(len(BYTES), file.sha256) for file in spec.files})
    async with pool_of() as pool:
        with pytest.raises(LoadFailed, match=r"bad magic number$"):
            await pool.load(model)
        assert store.state(model) == "installed"
        (folder / "weights.bin").write_bytes(b"?" * len(BYTES))
        with pytest.raises(LoadFailed, match=r"are damaged: weights\.bin\. `govor pull fake` fetches"):
            await pool.load(model)
    assert store.state(model) == "available"


async def test_the_state_follows_the_load(pool_of: OpenPool) -> None:
    backend = FakeBackend(gate=threading.Event(), failure=OSError("a bad sector"))
    model = model_of(backend)
    async with pool_of() as pool:
        states = [pool.state(model)]
        waiting = asyncio.create_task(lease(pool, model))
        await begun(backend)
        states.append(pool.state(model))
        backend.gate.set()
        with pytest.raises(LoadFailed):
            await waiting
        states.append(pool.state(model))
        assert "a bad sector" in (pool.failure(model) or "")
        backend.failure = None
        await lease(pool, model)
        states.append(pool.state(model))
        assert pool.failure(model) is None
    assert states == ["installed", "loading", "failed", "loaded"]


async def test_an_error_of_govors_own_passes_as_it_is(pool_of: OpenPool) -> None:
    error = LoadFailed("There is no device 'cuda:7'.")
    async with pool_of() as pool:
        with pytest.raises(LoadFailed) as caught:
            await lease(pool, model_of(FakeBackend(failure=error)))
    assert caught.value is error


async def test_a_load_fetches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeBackend(ModelSpec("fake", files=(ModelFile("weights", ("https://example.org/weights",)),)))
    pool = Pool(Store(tmp_path, offline=False), failures=LoadBackoff(pause=0))
    monkeypatch.setattr(Store, "install", lambda *_: pytest.fail("it was fetched"))
    with pytest.raises(ModelNotInstalled):
        await lease(pool, model_of(backend))
    assert (backend.loads, pool.state(model_of(backend))) == ([], "available")
    await pool.close()


async def test_a_request_that_waits_for_a_deletion_does_not_fetch_the_model_again(tmp_path: Path) -> None:
    file = ModelFile("weights", ("https://example.org/weights",), 1, hashlib.sha256(b"w").hexdigest())
    backend = FakeBackend(ModelSpec("fake", files=(file,)))
    model, store = model_of(backend), Store(tmp_path, offline=False)
    folder = store.folder(model)
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"w")
    write_record(folder, {"weights": Digest(1, file.sha256)})
    pool = Pool(store, failures=LoadBackoff(pause=0))
    await lease(pool, model)
    async with pool.emptied(model):
        waiting = asyncio.create_task(lease(pool, model))
        await asyncio.sleep(0)
        remove(store, model)
    with pytest.raises(ModelNotInstalled):
        await waiting
    assert len(backend.loads) == 1
    assert not folder.exists()
    await pool.close()


@pytest.mark.parametrize("failure", [StopIteration("x"), SystemExit(3), CancelledError()])
async def test_nothing_that_load_raises_stops_the_next_try(failure: Any, pool_of: OpenPool) -> None:
    backend = FakeBackend(failure=failure)
    async with pool_of() as pool:
        with pytest.raises(LoadFailed, match=type(failure).__name__):
            await lease(pool, model_of(backend))
        backend.failure = None
        await lease(pool, model_of(backend))


async def test_what_is_no_recognizer_is_a_failed_load(pool_of: OpenPool) -> None:
    backend = FakeBackend(recognizer=lambda spec: object())  # type: ignore[arg-type, return-value]
    model = model_of(backend)
    async with pool_of() as pool:
        for _ in range(2):
            with pytest.raises(LoadFailed, match=r"was loaded, but .* needs an attribute `info`"):
                await lease(pool, model)
        assert pool.state(model) == "failed"


async def test_one_who_leaves_does_not_stop_the_load_for_the_others(pool_of: OpenPool) -> None:
    backend = FakeBackend(gate=threading.Event())
    async with pool_of() as pool:
        leaving, staying = (asyncio.create_task(lease(pool, model_of(backend))) for _ in range(2))
        await begun(backend)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        backend.gate.set()
        assert (await staying).model.id == "fake"
    assert len(backend.loads) == 1


async def test_a_load_goes_on_when_all_have_left(pool_of: OpenPool) -> None:
    backend = FakeBackend(gate=threading.Event())
    model = model_of(backend)
    async with pool_of() as pool:
        leaving = asyncio.create_task(lease(pool, model))
        await begun(backend)
        leaving.cancel()
        await asyncio.wait([leaving])
        backend.gate.set()
        await lease(pool, model)
    assert len(backend.loads) == 1


async def test_closing_frees_every_model_once(pool_of: OpenPool) -> None:
    backends = [FakeBackend(name) for name in ("a", "b")]
    async with pool_of() as pool:
        for backend in backends:
            await lease(pool, model_of(backend))
    assert [backend.loaded[backend.specs[0].id].closed for backend in backends] == [1, 1]


async def test_a_busy_model_does_not_keep_those_who_wait_for_another_one(pool_of: OpenPool) -> None:
    gate = threading.Event()
    backends = [FakeBackend(name, recognizer=lambda spec: FakeRecognizer(spec, gate=gate)) for name in "ab"]
    async with pool_of() as pool:
        turns = []
        for backend in backends:
            loaded = await lease(pool, model_of(backend))
            turns.append(turn := a_turn())
            loaded.scheduler.submit(turn)
            assert await asyncio.to_thread(backend.loaded[backend.specs[0].id].begun.acquire, timeout=10)
        closing = asyncio.create_task(pool.close())
        for turn in turns:
            with pytest.raises(ShuttingDown):
                await anext(aiter(turn))
        gate.set()
        await closing


def a_turn() -> InferenceTask:
    """A second of voice."""
    return InferenceTask(Chunk(hum(1), (0,), (0,)), Options(), FairShare())


async def test_closing_sends_away_who_waits_for_a_load_and_frees_what_it_brings(pool_of: OpenPool) -> None:
    backend = FakeBackend(gate=threading.Event())
    async with pool_of() as pool:
        waiting = asyncio.create_task(lease(pool, model_of(backend)))
        await begun(backend)
        await pool.close()
        with pytest.raises(ShuttingDown):
            await waiting
        backend.gate.set()
        assert await soon(lambda: bool(backend.loaded) and backend.loaded["fake"].closed == 1)


async def test_after_closing_nothing_is_loaded(pool_of: OpenPool) -> None:
    backend = FakeBackend()
    async with pool_of() as pool:
        pass
    with pytest.raises(ShuttingDown):
        await lease(pool, model_of(backend))
    assert backend.loads == []


async def test_a_snapshot_has_what_is_loading_and_loaded_and_stays_as_it_is(pool_of: OpenPool) -> None:
    loading, here = FakeBackend("coming", gate=threading.Event()), FakeBackend("here")
    async with pool_of() as pool:
        coming = asyncio.create_task(lease(pool, model_of(loading)))
        await begun(loading)
        async with pool.lease(model_of(here)) as loaded:
            before = pool.snapshot()
            assert [(each.model.id, each.status, each.requests) for each in before.models] == [
                ("here", "loaded", 1),
                ("coming", "loading", 1),
            ]
            [shown] = before.loaded
            assert (shown.memory, shown.workers, shown.busy, shown.waiting) == (loaded.memory, 1, 0, 0)
            assert shown.expires_at is None, "it is in use"
        assert await pool.unload(model_of(here))
        loading.gate.set()
        await coming
        assert [each.model.id for each in pool.snapshot().loaded] == ["coming"]
        assert [event.what for event in pool.snapshot().events] == ["loaded", "unloaded", "loaded"]
    assert before.models[0].status == "loaded", "what was seen stays as it was seen"
