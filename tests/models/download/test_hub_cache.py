"""The Hugging Face cache: shared with other tools, and never a second copy on the disk."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from govor.errors import DownloadFailed
from govor.models.files.store import Store
from support.models.hub_standin import COMMIT, Hub
from support.models.small_models import BYTES, file_of, model_of


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The cache of the hub's client."""
    return tmp_path / "hub-cache"


def occupied(*folders: Path) -> int:
    """Return the bytes on the disk, counted as `du` does: each file once, however many names it has."""
    files = {
        (stat.st_dev, stat.st_ino): stat.st_blocks * 512
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and (stat := path.lstat())
    }
    return sum(files.values())


def test_a_fetched_file_is_on_the_disk_once(store: Store, root: Path, cache: Path, published: Any) -> None:
    store.install(published())
    assert occupied(root, cache) < 1.1 * len(BYTES)
    assert occupied(root) > 0.9 * len(BYTES)


def test_the_hubs_client_finds_what_was_fetched(store: Store, published: Any, hub: Hub) -> None:
    from huggingface_hub import hf_hub_download, scan_cache_dir

    store.install(published())
    asked = hub.requests.total()
    path = hf_hub_download("owner/small", "weights.bin", revision=COMMIT, local_files_only=True)
    assert Path(path).read_bytes() == BYTES
    (repository,) = scan_cache_dir().repos
    assert (repository.repo_id, repository.size_on_disk) == ("owner/small", len(BYTES))
    assert hub.requests.total() == asked


def test_a_branch_is_known_to_the_hubs_client_by_its_name(store: Store, hub: Hub) -> None:
    from huggingface_hub import hf_hub_download

    source = hub.put("owner/small", "weights.bin", BYTES).replace(COMMIT, "main")
    store.install(model_of(file_of("weights.bin", source)))
    assert Path(hf_hub_download("owner/small", "weights.bin", local_files_only=True)).read_bytes() == BYTES


def test_files_of_the_hubs_client_are_not_fetched(store: Store, published: Any, hub: Hub) -> None:
    from huggingface_hub import hf_hub_download

    model = published()
    cached = hf_hub_download("owner/small", "weights.bin", revision=COMMIT)
    asked = hub.requests.total()
    folder = store.install(model)
    assert (folder / "weights.bin").samefile(cached)
    assert hub.requests.total() == asked


def test_an_offline_store_takes_what_the_cache_has(root: Path, published: Any, hub: Hub) -> None:
    from huggingface_hub import hf_hub_download

    model = published()
    hf_hub_download("owner/small", "weights.bin", revision=COMMIT)
    asked = hub.requests.total()
    offline = Store(root, offline=True)
    assert (offline.install(model) / "weights.bin").read_bytes() == BYTES
    assert hub.requests.total() == asked


def test_without_hard_links_the_file_is_copied_and_no_link(
    root: Path, store: Store, cache: Path, published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import hf_hub_download

    model = published()
    hf_hub_download("owner/small", "weights.bin", revision=COMMIT)

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path = store.install(model) / "weights.bin"
    assert not path.is_symlink(), "ONNX takes no data that is a symbolic link"
    assert path.read_bytes() == BYTES
    assert store.state(model) == "installed"
    assert occupied(root, cache) > 1.9 * len(BYTES)


def test_a_cache_that_cannot_be_linked_to_is_left_alone(
    store: Store, cache: Path, published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    folder = store.install(published())
    assert (folder / "weights.bin").read_bytes() == BYTES
    assert occupied(cache) == 0


def test_a_file_that_was_put_into_the_folder_by_hand_is_taken_where_its_checksum_is_known(
    store: Store, published: Any, hub: Hub
) -> None:
    model = published()
    folder = store.folder(model)
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(BYTES)
    store.install(model)
    assert store.state(model) == "installed"
    assert hub.fetched("weights.bin") == 0


def test_two_models_that_share_a_file_do_not_fetch_it_twice(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES)
    for name in ("one", "two"):
        store.install(model_of(file_of("weights.bin", source), model_id=name))
    assert hub.fetched("weights.bin") == 1


def test_several_files_are_fetched_side_by_side(store: Store, published: Any, hub: Hub) -> None:
    model = published(one=BYTES, two=BYTES[::-1], three=b"yes no")
    hub.gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        folder = threads.submit(store.install, model)
        for _ in range(3):
            assert hub.waiting.acquire(timeout=30)
        hub.gate.set()
        assert (folder.result(30) / "two.bin").read_bytes() == BYTES[::-1]


def test_a_repository_that_is_listed_at_the_pull_is_the_files_its_family_wants(
    store: Store, hub: Hub
) -> None:
    from dataclasses import replace

    from support.models.small_models import Adopter

    for name, content in {"weights.bin": BYTES, "words.bin": b"yes no", "README.md": b"read"}.items():
        hub.put("owner/small", name, content, large=name == "weights.bin")
    bare = model_of()
    model = replace(bare, spec=replace(bare.spec, repository="owner/small@main"), backend=Adopter(bare.spec))
    assert (store.state(model), store.size(model)) == ("available", None)
    folder = store.install(model)
    assert {path.name for path in folder.iterdir()} == {
        "weights.bin", "words.bin", ".govor.json", ".govor-files.json",
    }  # fmt: skip
    assert (store.state(model), store.size(model)) == ("installed", len(BYTES) + 6)
    asked = hub.requests.total()
    (folder / "words.bin").unlink()
    store.install(model)
    assert hub.requests["API", "owner/small"] == 1  # the list is kept: later pulls fetch the same commit
    assert hub.requests.total() == asked


def test_a_repository_without_a_model_is_an_error(store: Store, hub: Hub) -> None:
    from dataclasses import replace

    hub.put("owner/small", "README.md", b"read", large=False)
    bare = model_of()
    model = replace(bare, spec=replace(bare.spec, repository="owner/small@main"))
    with pytest.raises(DownloadFailed, match="holds no model for the plugin 'family'"):
        store.install(model)
    gone = replace(bare, spec=replace(bare.spec, repository="owner/none@main"))
    with pytest.raises(
        DownloadFailed, match=r"Cannot list the files of owner/none@main: 404: there is no such"
    ):
        store.install(gone)
