"""Every failure of a download is described in one line, and leaves nothing that counts as installed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import ModelFile
from govor.errors import DownloadFailed, InsufficientStorage
from govor.models.catalogue import Model
from govor.models.files.store import Store
from support.models.hub_standin import GATED, Hub
from support.models.small_models import BYTES, file_of, files_below, model_of


def failure(store: Store, model: Model) -> str:
    """Return why the model cannot be installed, after checking that it does not count as installed."""
    with pytest.raises(DownloadFailed) as caught:
        store.install(model)
    assert store.state(model) == "available"
    assert {name for name in files_below(store.folder(model)) if not name.endswith(".govor-part")} <= {
        ".govor.json"
    }
    assert not store.folder(model).exists() or any(store.folder(model).iterdir()), "an empty folder is left"
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (404, "404"),
        (403, "403"),
        (429, "429: the hub asks for a later retry"),
        (500, "500"),
        (401, "401: there is no such repository, or it is private: then set HF_TOKEN"),
    ],
)
def test_a_refusal_of_the_hub_is_reported_with_its_status(
    store: Store, hub: Hub, published: Any, status: int, cause: str
) -> None:
    model = published()
    hub.refuse("weights.bin", status)
    reason = failure(store, model)
    assert "Cannot fetch 'weights.bin': hf:owner/small@" in reason
    assert cause in reason


def test_a_hub_out_of_reach_is_reported(
    store: Store, published: Any, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    model = published()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port}")
    assert "Connection refused" in failure(store, model)


def test_the_reasons_of_all_sources_are_reported(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "weights.bin", b"something else")
    reason = failure(store, model_of(file_of("weights.bin", "package:no-such-dist/weights", source)))
    assert "package:no-such-dist/weights: package no-such-dist is not installed" in reason
    assert f"{source}: 14 bytes instead of {len(BYTES)} and sha256 " in reason


def test_bytes_changed_on_the_way_are_refused(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.spoil("weights.bin")
    assert f"instead of {model.spec.files[0].sha256}" in failure(store, model)


def test_bytes_changed_on_the_way_are_refused_by_the_name_that_the_hub_gives_them(
    store: Store, hub: Hub
) -> None:
    model = model_of(ModelFile("weights.bin", (hub.put("owner/small", "weights.bin", BYTES),)))
    hub.spoil("weights.bin")
    assert f"instead of {file_of('weights.bin').sha256}" in failure(store, model)


def test_a_damaged_file_in_the_hubs_cache_is_fetched_anew(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.spoil("weights.bin", times=1)
    assert (store.install(model) / "weights.bin").read_bytes() == BYTES
    assert hub.fetched("weights.bin") == 2


def test_a_download_that_failed_can_be_repeated(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.spoil("weights.bin", times=2)
    failure(store, model)
    store.install(model)
    assert store.state(model) == "installed"


def test_a_broken_connection_is_resumed(store: Store, hub: Hub, published: Any) -> None:
    hub.drop("weights.bin", times=1)
    assert (store.install(published()) / "weights.bin").read_bytes() == BYTES


def test_a_connection_that_always_breaks_is_given_up(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.drop("weights.bin")
    assert "weights.bin" in failure(store, model)


def test_only_what_failed_is_fetched_the_next_time(store: Store, hub: Hub, published: Any) -> None:
    model = published(weights=BYTES, words=b"yes no")
    hub.spoil("words.bin", times=2)
    with pytest.raises(DownloadFailed, match=r"words\.bin"):
        store.install(model)
    assert store.state(model) == "available"
    assert files_below(store.folder(model)) == {"weights.bin", ".govor.json"}
    store.install(model)
    assert store.state(model) == "installed"
    assert hub.fetched("weights.bin") == 1


def test_an_md5_is_checked_where_the_publisher_states_no_more(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "words.bin", b"yes no", large=False)
    right, wrong = hashlib.md5(b"yes no").hexdigest(), "0" * 32
    assert f"instead of {wrong}" in failure(store, model_of(ModelFile("words.bin", (source,), md5=wrong)))
    store.install(model_of(ModelFile("words.bin", (source,), md5=right)))


def test_an_offline_store_asks_nobody(root: Path, hub: Hub, published: Any) -> None:
    store, model = Store(root, offline=True), published()
    assert "not asked, as `offline` is set" in failure(store, model)
    assert hub.requests.total() == 0


def test_an_offline_store_asks_no_plain_address(root: Path) -> None:
    model = model_of(file_of("weights.bin", "https://models.invalid/weights.bin"))
    assert "not asked, as `offline` is set" in failure(Store(root, offline=True), model)


@pytest.mark.parametrize("scheme", ["ftp", "file", "HTTP"])
def test_only_web_addresses_are_accepted(store: Store, hub: Hub, scheme: str) -> None:
    address = hub.plain(BYTES).replace("http", scheme)
    assert "no known kind of source" in failure(store, model_of(file_of("weights.bin", address)))
    assert hub.requests.total() == 0


def test_a_plain_address_is_taken_only_with_a_checksum(store: Store, hub: Hub) -> None:
    without = ModelFile("weights.bin", (hub.plain(BYTES),), len(BYTES))
    assert "no known kind of source" in failure(store, model_of(without))
    assert hub.requests.total() == 0
    store.install(model_of(file_of("weights.bin", hub.plain(BYTES))))
    assert hub.fetched("weights.bin") == 1


def test_the_error_for_a_gated_repository_names_the_remedy(store: Store, hub: Hub, published: Any) -> None:
    model = published()
    hub.refuse("weights.bin", 403, headers=GATED)
    assert "403: the repository is gated. Accept its terms on the hub, then set HF_TOKEN" in failure(
        store, model
    )


def test_a_token_is_sent_to_the_hub(
    store: Store, hub: Hub, published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    store.install(published())
    assert set(hub.tokens) == {"Bearer hf_secret"}
    assert hub.storage_tokens == [""]  # another host must not get the token


@pytest.mark.parametrize("status", [429, 500, 503])
def test_temporary_errors_are_retried(store: Store, hub: Hub, published: Any, status: int) -> None:
    model = published()
    hub.refuse("weights.bin", status, times=2)
    assert (store.install(model) / "weights.bin").read_bytes() == BYTES


def test_a_download_that_stalls_is_given_up(root: Path, hub: Hub, published: Any) -> None:
    model = published()
    hub.stall("weights.bin")
    reason = failure(Store(root, offline=False, timeout=0.2), model)
    assert f"after {len(BYTES) // 2} bytes nothing came for 0.2 s, several times over" in reason
    assert hub.sent["weights.bin"] == len(BYTES) // 2


def test_a_disk_without_room_is_reported_before_the_first_byte(store: Store, hub: Hub) -> None:
    source = hub.plain(BYTES)
    model = model_of(replace(file_of("weights.bin", source), size=10**18))
    with pytest.raises(InsufficientStorage, match=r"need 1000000000\.00 GB more, and .* are free in"):
        store.install(model)
    assert hub.fetched("weights.bin") == 0


def test_missing_files_are_known_before_anything_is_fetched(store: Store, hub: Hub, published: Any) -> None:
    model = published(weights=BYTES, words=b"yes no")
    hub.refuse("words.bin", 404)
    assert "Cannot fetch 'words.bin'" in failure(store, model)
    assert hub.fetched("weights.bin") == 0


def test_a_file_without_a_source_is_an_error(store: Store) -> None:
    assert "it has no source" in failure(store, model_of(file_of("weights.bin")))


def test_a_source_that_is_mistyped_is_an_error(store: Store) -> None:
    model = model_of(file_of("weights.bin", "hf:no-revision/weights.bin"))
    assert "not written hf:OWNER/REPO@REVISION/PATH" in failure(store, model)


def test_a_models_folder_that_cannot_be_written_is_an_error(tmp_path: Path, published: Any) -> None:
    (tmp_path / "file").touch()
    store, model = Store(tmp_path / "file/models", offline=False), published()
    assert store.state(model) == "available"
    with pytest.raises(InsufficientStorage, match=r"cannot be kept in .*file/models/.*: Not a directory"):
        store.install(model)


@pytest.mark.parametrize(
    "name", ["../outside.bin", "a/../../outside.bin", "{absolute}", "", ".", "..", "..\\outside.bin", "c:x"]
)
def test_a_file_name_never_leads_out_of_the_models_folder(
    store: Store, root: Path, tmp_path: Path, hub: Hub, name: str
) -> None:
    name = name.format(absolute=tmp_path / "outside.bin")
    source = hub.put("owner/small", "weights.bin", BYTES)
    model = model_of(file_of(name, source))
    with pytest.raises(DownloadFailed, match="not a path inside the model's folder"):
        store.install(model)
    assert store.state(model) == "available"
    assert not list(tmp_path.rglob("*outside*"))
    assert files_below(root) == set()


def test_a_file_may_lie_in_a_folder_of_its_own(store: Store, hub: Hub) -> None:
    source = hub.put("owner/small", "words.bin", b"yes no")
    folder = store.install(model_of(file_of("vocabulary/words.bin", source, content=b"yes no")))
    assert (folder / "vocabulary/words.bin").read_bytes() == b"yes no"


@pytest.mark.parametrize(
    "model_id", ["org/model", "../../outside", "..", ".", "/absolute", "a\\..\\b", ".hidden"]
)
def test_an_id_never_leads_out_of_the_models_folder(
    store: Store, root: Path, hub: Hub, model_id: str
) -> None:
    source = hub.put("owner/small", "weights.bin", BYTES)
    for plugin in ("family", "../family"):
        model = model_of(file_of("weights.bin", source), model_id=model_id, plugin=plugin)
        folder = store.install(model).resolve()
        assert folder.parent.parent == root.resolve()
        assert store.state(model) == "installed"
