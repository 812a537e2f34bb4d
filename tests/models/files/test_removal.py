"""Deleting, verifying and counting models' files; never anything outside the models folder."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from govor.errors import InsufficientStorage, ModelBusy, ModelNotInstalled, ModelProtected
from govor.models.download.progress import Transfer
from govor.models.files.removal import discard_parts, remove
from govor.models.files.store import Store
from govor.models.files.usage import Unused, Usage, free_bytes, prune, unused, usages
from govor.models.files.verify import verify
from govor.models.manifest import Digest, read_record, write_record
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, file_of, files_below, model_of
from support.processes.packages import install_package

SIZE = len(BYTES)
RECORD_BYTES = 121  # of one file, as .govor.json has it


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is not Govor's, with a file of the user's in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious.bin").write_bytes(b"somebody's")
    return folder


def test_a_deleted_model_is_gone_and_its_room_is_free(store: Store, hub: Hub, root: Path) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    store.install(model)
    removed = remove(store, model)
    assert removed.freed == SIZE + RECORD_BYTES
    assert removed.note == ""
    assert store.state(model) == "available"
    assert files_below(root) == set()
    with pytest.raises(ModelNotInstalled):
        remove(store, model)


def test_files_left_in_the_hubs_cache_are_reported(store: Store, published: Any, hub: Hub) -> None:
    model = published(weights=BYTES * 10)
    store.install(model)
    removed = remove(store, model)
    assert removed.freed < 1000
    assert removed.note == (
        "3 MB are still in the Hugging Face cache, which other programs share; `hf cache rm` frees them."
    )
    store.install(model)
    assert hub.fetched("weights.bin") == 1  # it was linked from the cache


def test_a_model_in_packages_is_protected(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path / "site", "weights-one", {"weights_one/weights.1": BYTES})
    monkeypatch.syspath_prepend(tmp_path / "site")
    model = model_of(file_of("weights.bin", "package:weights-one/weights_one/weights.1"))
    with pytest.raises(ModelProtected, match="comes with an installed package: there is nothing to delete"):
        remove(store, model)
    store.install(model)
    removed = remove(store, model)
    assert removed.freed > SIZE
    assert "comes with an installed package and can still answer" in removed.note
    assert store.state(model) == "installed"


def test_a_model_without_files_is_protected(store: Store) -> None:
    with pytest.raises(ModelProtected, match="'small' has no files"):
        remove(store, model_of())


def test_the_operators_folder_is_never_deleted(store: Store, outside: Path) -> None:
    model = model_of(file_of("precious.bin"), folder=str(outside))
    with pytest.raises(ModelProtected, match="outside, which Govor never deletes"):
        remove(store, model)
    assert discard_parts(store, model) == 0
    assert files_below(outside) == {"precious.bin"}


@pytest.mark.parametrize("model_id", ["..", "../..", "../../outside", "{outside}", "x/../../outside", "."])
def test_no_id_leads_out_of_the_models_folder(store: Store, root: Path, outside: Path, model_id: str) -> None:
    (root / "family").mkdir(parents=True)
    for plugin in ("family", "..", "."):
        model = model_of(file_of("precious.bin"), model_id=model_id.format(outside=outside), plugin=plugin)
        with pytest.raises(ModelNotInstalled):
            remove(store, model)
        assert discard_parts(store, model) == 0
    assert files_below(outside) == {"precious.bin"}


@pytest.mark.parametrize("linked", ["family/small", "family"])
def test_a_link_in_the_models_folder_is_not_followed(
    store: Store, root: Path, outside: Path, linked: str
) -> None:
    (outside / "small").mkdir()
    (outside / "small/weights.bin.govor-part").write_bytes(b"somebody's")
    (root / linked).parent.mkdir(parents=True)
    (root / linked).symlink_to(outside if linked == "family" else outside / "small")
    model = model_of(file_of("weights.bin"))
    for act in (remove, discard_parts):
        with pytest.raises(ModelProtected, match="leads out of the models folder, and is left as it is"):
            act(store, model)
    assert prune(store, [model]) == []
    assert files_below(outside) == {"precious.bin", "small/weights.bin.govor-part"}


def test_a_link_in_a_models_own_folder_is_removed_and_what_it_leads_to_is_not(
    store: Store, hub: Hub, outside: Path
) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    folder = store.install(model)
    (folder / "weights.bin").unlink()
    (folder / "weights.bin").symlink_to(outside / "precious.bin")
    remove(store, model)
    assert not folder.exists()
    assert files_below(outside) == {"precious.bin"}


def test_foreign_files_in_a_models_folder_stay_and_are_named(
    store: Store, hub: Hub, outside: Path, root: Path
) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)), file_of("sub/more.bin", hub.plain(BYTES)))
    folder = store.install(model)
    (folder / "notes.txt").write_text("somebody's")
    (folder / "sub/mine.part").write_text("somebody's")
    (folder / "link").symlink_to(outside)
    (folder / "empty").mkdir()
    removed = remove(store, model)
    assert "leaves what it has not put there: link, notes.txt, sub/mine.part" in removed.note
    assert removed.freed > 2 * SIZE
    assert store.state(model) == "available"
    assert files_below(root) == {"family/small/notes.txt", "family/small/sub/mine.part"}
    assert (folder / "link").is_symlink()
    assert (folder / "empty").is_dir()
    for act in (remove, verify):
        with pytest.raises(ModelNotInstalled):
            act(store, model)
    assert prune(store, []) == prune(store, [model]) == []
    assert store.install(model) == folder


def test_what_a_plugin_derived_from_a_model_is_deleted_with_it(store: Store, hub: Hub, root: Path) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    model = replace(model, spec=replace(model.spec, derived=("*.fast", "cache/*")))
    folder = store.install(model)
    (folder / "cache").mkdir()
    for name in ("weights.fast", "cache/kernels.bin", "mine.txt"):
        (folder / name).write_bytes(BYTES)
    assert unused(store, [model]) == []
    removed = remove(store, model)
    assert removed.freed >= 3 * SIZE
    assert "mine.txt" in removed.note
    assert files_below(root) == {(folder / "mine.txt").relative_to(root).as_posix()}


def test_what_a_plugin_derived_from_the_operators_files_is_kept_apart(
    store: Store, root: Path, outside: Path
) -> None:
    model = model_of(folder=str(outside))
    model = replace(model, spec=replace(model.spec, derived=("*.fast",)))
    kept = store.derived_folder(model)
    assert kept == root / "family" / "small"
    (kept / "weights.govor-fast").write_bytes(BYTES)
    assert [usage.model for usage in usages(store, [model])] == ["small"]
    assert prune(store, [model]) == []
    with pytest.raises(ModelProtected):
        remove(store, model)
    assert [item.kind for item in prune(store, [])] == ["folder"]
    assert files_below(root) == set()
    assert [path.name for path in outside.iterdir()] == ["precious.bin"]


def test_of_two_deletions_at_once_the_second_reports_that_the_model_is_gone(
    store: Store, hub: Hub, root: Path
) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    for _ in range(5):
        store.install(model)
        gate = threading.Barrier(2)

        def delete(other: Store) -> object:
            gate.wait()  # noqa: B023 - called at once
            try:
                return remove(other, model)
            except ModelNotInstalled:
                return None

        with ThreadPoolExecutor(2) as threads:
            results = list(threads.map(delete, [store, Store(root, offline=False)]))
        assert sum(result is None for result in results) == 1


def test_two_who_prune_at_once_do_not_fail(store: Store, hub: Hub, root: Path) -> None:
    gone = [model_of(file_of("weights.bin", hub.plain(BYTES)), model_id=f"gone{n}") for n in range(5)]
    for model in gone:
        store.install(model)
    (root / "family" / f".deleted-{'a' * 32}").mkdir()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(prune, [store, Store(root, offline=False)], [[], []]))
    assert files_below(root) == set()


def test_a_file_that_cannot_be_deleted_is_reported_in_a_sentence(
    store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    store.install(model)

    def refuse(path: Path, target: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InsufficientStorage, match=r"Cannot delete .+small: Read-only file system"):
        remove(store, model)


def test_a_model_that_another_is_fetching_is_busy(store: Store, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    store.install(model)
    with (
        store.locked(model, Transfer()),
        pytest.raises(ModelBusy, match="Another process is using the files"),
    ):
        remove(store, model)
    assert store.state(model) == "installed"


def test_a_file_that_changed_is_found_and_its_model_no_longer_counts(store: Store, hub: Hub) -> None:
    words = file_of("words.bin", hub.plain(b"yes no", "words.bin"), content=b"yes no")
    model = model_of(file_of("weights.bin", hub.plain(BYTES)), words)
    folder = store.install(model)
    assert [verdict.state for verdict in verify(store, model)] == ["ok", "ok"]
    (folder / "words.bin").write_bytes(b"no yes")
    verdicts = verify(store, model)
    assert [(verdict.name, verdict.state) for verdict in verdicts] == [
        ("weights.bin", "ok"),
        ("words.bin", "damaged"),
    ]
    assert store.state(model) == "available"
    assert (store.install(model) / "words.bin").read_bytes() == b"yes no"
    assert hub.fetched("weights.bin") == 1


def test_files_in_packages_are_verified_where_they_lie(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path / "site", "weights-one", {"weights_one/weights.1": b"?" * SIZE})
    monkeypatch.syspath_prepend(tmp_path / "site")
    model = model_of(file_of("weights.bin", "package:weights-one/weights_one/weights.1"))
    assert [verdict.state for verdict in verify(store, model)] == ["damaged"]


def test_only_what_is_here_can_be_verified(store: Store, published: Any) -> None:
    with pytest.raises(ModelNotInstalled):
        verify(store, published())


def test_files_of_the_operators_without_a_checksum_are_unchecked(store: Store, outside: Path) -> None:
    file = replace(file_of("precious.bin"), sha256="", size=0)
    model = model_of(file, folder=str(outside))
    assert [verdict.state for verdict in verify(store, model)] == ["unchecked"]


def test_the_disk_usage_of_each_model_is_separate(store: Store, published: Any, hub: Hub) -> None:
    shared = published()
    own = model_of(file_of("weights.bin", hub.plain(BYTES)), model_id="own")
    absent = model_of(file_of("other.bin"), model_id="absent")
    for model in (shared, own):
        store.install(model)
    (store.folder(own) / "more.bin.govor-part").write_bytes(b"12345")
    by_model = {usage.model: usage for usage in usages(store, [shared, own, absent])}
    assert by_model["small"] == Usage("small", by_model["small"].own, SIZE, 0)
    assert by_model["small"].own < 1000
    assert by_model["own"] == Usage("own", SIZE + RECORD_BYTES + 5, 0, 5)
    assert by_model.keys() == {"small", "own"}
    assert free_bytes(store) > 0


def test_unused_files_are_pruned(store: Store, hub: Hub, root: Path, outside: Path) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    gone = model_of(file_of("weights.bin", hub.plain(BYTES)), model_id="gone")
    for each in (model, gone):
        store.install(each)
    folder = store.folder(model)
    (folder / "older.bin").write_bytes(b"123")
    write_record(folder, {**read_record(folder), "older.bin": Digest(3, "of an earlier list")})
    (folder / "mine.bin").write_bytes(b"not Govor's")
    (root / "family/.deleted-photos").mkdir()
    (root / "family/.deleted-photos/mine.jpg").write_text("not Govor's")
    (folder / "weights.bin.govor-part").write_bytes(b"12345")
    (folder / ".govor-int8.onnx").write_bytes(b"what a plugin prepared")
    (root / "family/foreign").mkdir()
    (root / "family/foreign/mine.txt").write_text("not Govor's")
    found = [
        Unused("family/gone", SIZE + RECORD_BYTES, "folder"),
        Unused("family/small/older.bin", 3, "file"),
        Unused("family/small/weights.bin.govor-part", 5, "partial"),
    ]
    assert unused(store, [model]) == found
    assert prune(store, [model]) == found
    assert files_below(root) == {
        "family/small/weights.bin", "family/small/.govor.json", "family/small/.govor-int8.onnx",
        "family/foreign/mine.txt", "family/small/mine.bin", "family/.deleted-photos/mine.jpg",
    }  # fmt: skip
    assert unused(store, [model]) == []


def test_downloads_in_progress_are_not_pruned(store: Store, hub: Hub) -> None:
    model = model_of(file_of("weights.bin", hub.plain(BYTES)))
    folder = store.folder(model)
    folder.mkdir(parents=True)
    (folder / "weights.bin.govor-part").write_bytes(b"12345")
    with store.locked(model, Transfer()):
        assert prune(store, [model]) == []
    assert len(prune(store, [model])) == 1


def test_a_models_folder_that_is_not_there_takes_nothing(store: Store) -> None:
    assert usages(store, [model_of()]) == []
    assert prune(store, [model_of()]) == []
    assert free_bytes(store) > 0
