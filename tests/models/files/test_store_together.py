"""Concurrent installs: the first caller fetches; other threads and processes wait and find the files."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from govor.models.files.store import Store
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, files_below, model_of

PATIENCE_SECONDS = 30

INSTALL = """
import sys
from pathlib import Path
from support.models.small_models import file_of, model_of
from govor.models.files.store import Store

print("begun", flush=True)
Store(Path(sys.argv[1]), offline=False).install(model_of(file_of("weights.bin", sys.argv[2])))
"""


def test_two_threads_that_install_at_once_fetch_once(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.gate = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        folders = [threads.submit(store.install, model) for _ in range(2)]
        assert hub.waiting.acquire(timeout=PATIENCE_SECONDS)
        hub.gate.set()
        assert folders[0].result(PATIENCE_SECONDS) == folders[1].result(PATIENCE_SECONDS)
    assert hub.fetched("weights.bin") == 1


def test_two_processes_that_install_at_once_fetch_once(root: Path, hub: Hub, tmp_path: Path) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES)
    hub.gate = threading.Event()
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-c", INSTALL, str(root), source]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
    assert hub.waiting.acquire(timeout=PATIENCE_SECONDS)
    hub.gate.set()
    for process in running:
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, errors
    assert hub.fetched("weights.bin") == 1
    assert files_below(root) == {"family/small/weights.bin", "family/small/.govor.json"}


def test_a_model_is_not_installed_before_its_last_byte(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        folder = threads.submit(store.install, model)
        assert hub.waiting.acquire(timeout=PATIENCE_SECONDS)
        assert store.state(model) == "available"
        hub.gate.set()
        folder.result(PATIENCE_SECONDS)
    assert store.state(model) == "installed"


def test_models_are_fetched_side_by_side(store: Store, hub: Hub, published: Any) -> None:
    held = published()
    hub.gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        folder = threads.submit(store.install, held)
        assert hub.waiting.acquire(timeout=PATIENCE_SECONDS)
        store.install(model_of(model_id="without-files"))
        assert not folder.done()
        hub.gate.set()
        folder.result(PATIENCE_SECONDS)
