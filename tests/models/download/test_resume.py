"""A download that was killed, interrupted or cancelled is resumed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from govor.errors import DownloadCancelled
from govor.models.download.progress import Transfer
from govor.models.files.store import Store
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, file_of, files_below, model_of
from support.waiting import eventually

HALF = len(BYTES) // 2
INSTALL = """
import sys
from pathlib import Path
from support.models.small_models import file_of, model_of
from govor.models.files.store import Store

Store(Path(sys.argv[1]), offline=False).install(model_of(file_of("weights.bin", sys.argv[2])))
"""


def installing(root: Path, source: str, hub: Hub, home: Path) -> subprocess.Popen[bytes]:
    """Start another process that installs the model."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))),
    }
    return subprocess.Popen([sys.executable, "-c", INSTALL, str(root), source], env=environment)


@pytest.mark.parametrize("kind", ["hub", "address"])
def test_after_a_kill_nothing_is_fetched_twice(
    store: Store, root: Path, hub: Hub, tmp_path: Path, kind: str
) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES) if kind == "hub" else hub.plain(BYTES)
    part = root / "family/small/weights.bin.govor-part"
    hub.stall("weights.bin")
    process = installing(root, source, hub, tmp_path / "hf")
    try:
        assert eventually(lambda: part.is_file() and part.stat().st_size == HALF, 30)
    finally:
        process.kill()
        process.wait()
    model = model_of(file_of("weights.bin", source))
    assert store.state(model) == "available"
    hub.go_on("weights.bin")
    seen: list[tuple[int, int]] = []
    folder = store.install(model, lambda *step: seen.append(step))
    assert (folder / "weights.bin").read_bytes() == BYTES
    assert hub.sent["weights.bin"] == len(BYTES)
    assert seen[0][0] > HALF
    assert seen[-1] == (len(BYTES), len(BYTES))
    assert files_below(root) == {"family/small/weights.bin", "family/small/.govor.json"}


def test_a_part_of_another_file_is_noticed_and_fetched_anew(store: Store, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    part = store.folder(model) / "weights.bin.govor-part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"?" * HALF)
    assert (store.install(model) / "weights.bin").read_bytes() == BYTES
    assert hub.sent["weights.bin"] == HALF + len(BYTES)


def test_a_part_that_is_longer_than_the_file_is_fetched_anew(store: Store, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    part = store.folder(model) / "weights.bin.govor-part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BYTES + b"?")
    assert (store.install(model) / "weights.bin").read_bytes() == BYTES


def test_a_part_that_was_whole_needs_no_byte(store: Store, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    part = store.folder(model) / "weights.bin.govor-part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BYTES)
    store.install(model)
    assert hub.sent.total() == 0


def test_a_download_that_stalls_is_cancelled_at_once(root: Path, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    hub.stall("weights.bin")
    transfer = Transfer()
    with ThreadPoolExecutor(1) as threads:
        folder = threads.submit(Store(root, offline=False, timeout=60).install, model, transfer=transfer)
        assert eventually(lambda: transfer.done == HALF)
        transfer.cancel()
        with pytest.raises(DownloadCancelled):
            folder.result(30)  # the next byte would be awaited for 60 s
    assert files_below(root) == {"family/small/weights.bin.govor-part"}


def test_a_wait_for_another_process_can_be_cancelled(store: Store, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    store.folder(model).mkdir(parents=True)
    transfer, held = Transfer(), threading.Event()
    with ThreadPoolExecutor(1) as threads, store.locked(model, Transfer()):
        folder = threads.submit(store.install, model, transfer=transfer)
        held.wait(0.05)
        transfer.cancel()
        with pytest.raises(DownloadCancelled):
            folder.result(30)
    assert hub.sent.total() == 0


def test_three_processes_that_install_at_once_fetch_once(root: Path, hub: Hub, tmp_path: Path) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES)
    hub.gate = threading.Event()
    running = [installing(root, source, hub, tmp_path / "hf") for _ in range(3)]
    assert hub.waiting.acquire(timeout=30)
    hub.gate.set()
    assert [process.wait(60) for process in running] == [0] * 3
    assert hub.sent["weights.bin"] == len(BYTES)


def test_whisper_base_comes_whole_from_the_hub_with_exact_progress(
    store: Store, hub: Hub, whisper_base: Any
) -> None:
    model, total = whisper_base
    hub.drop("model.bin", times=2)
    seen: list[tuple[int, int]] = []
    store.install(model, lambda *step: seen.append(step))
    done = [step[0] for step in seen]
    assert done == sorted(done)
    assert seen[-1] == (total, total)
    assert {step[1] for step in seen} == {total}
    assert hub.sent.total() == total  # the connection broke off twice, and not a byte was sent twice
