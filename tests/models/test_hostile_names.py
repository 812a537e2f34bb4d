"""A hub, a mirror or a manifest with false names: no file is touched elsewhere, whatever the name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govor.errors import DownloadFailed, GovorError
from govor.models.catalogue import Model
from govor.models.download.hub import HubFile, parse_repository, share
from govor.models.files.listing import LISTING, read_listing
from govor.models.files.removal import remove
from govor.models.files.store import Store
from govor.models.files.usage import prune
from govor.models.files.verify import verify
from govor.models.selection.operator_models import pulled_models
from govor.names import folder_name, is_model_file, is_name
from govor.plugins import Plugin
from support.models.hub_standin import COMMIT, Hub, standing_in
from support.models.small_models import Adopter, file_of, model_of

SMALL = b"yes no"
HASH = hashlib.sha1(SMALL).hexdigest()
VICTIM = "outside/victim"

steps = st.sampled_from(
    ["..", ".", "", "outside", "victim", "a", HASH, COMMIT, "\\", "C:", "..\\..", " ", "\t"]
)
hostile = st.one_of(
    st.lists(steps, min_size=1, max_size=7).map("/".join),
    st.integers(1, 5).map(lambda up: "../" * up + VICTIM),
    st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=12),
    st.just("{root}/" + VICTIM),
)
quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a models folder, a hub's cache, and a user's file beside them."""
    place = tmp_path_factory.mktemp("base").joinpath(*"abcdefgh")  # deep: a path upwards ends within it
    (place / "outside").mkdir(parents=True)
    (place / VICTIM).write_bytes(b"somebody's")
    return place


@pytest.fixture(scope="module")
def liar(place: Path) -> Iterator[Hub]:
    """A hub with false answers; its client's cache is in `place`."""
    with standing_in(place / "hub-cache") as hub:
        yield hub


def untouched(place: Path) -> bool:
    """Tell whether only the models folder and the cache have new files."""
    own = ("models", "hub-cache")
    found = {path.relative_to(place).as_posix() for path in place.rglob("*")}
    foreign = {name for name in found if name.split("/")[0] not in own}
    base = place.parents[7]
    above = {path for path in base.rglob("*") if not path.is_relative_to(place)}
    cached = {path.parts[len(place.parts) + 2] for path in (place / "hub-cache").glob("*/*/**/*")}
    return (
        foreign == {"outside", VICTIM}
        and above == {parent for parent in place.parents if parent.is_relative_to(base)} - {base}
        and (place / VICTIM).read_bytes() == b"somebody's"
        and cached <= {"blobs", "snapshots", "refs"}
    )


def of_repository(files: bool, name: str) -> Model:
    """Return a model of `owner/small`: of one file without a known checksum, or of the hub's list."""
    if files:
        source = f"hf:owner/small@main/{name}"
        return model_of(replace(file_of(name, source, content=SMALL), sha256="", size=0))
    bare = model_of()
    return replace(bare, spec=replace(bare.spec, repository="owner/small@main"), backend=Adopter(bare.spec))


@quick
@given(etag=hostile, commit=hostile, name=hostile, large=st.booleans(), files=st.booleans())
def test_whatever_a_mirror_states_nothing_outside_the_folders_is_written(
    liar: Hub, place: Path, etag: str, commit: str, name: str, large: bool, files: bool
) -> None:
    etag, commit, name = (text.replace("{root}", str(place)) for text in (etag, commit, name))
    liar.put("owner/small", "words.bin", SMALL, large=large)
    liar.lies = {"etag": etag, "commit": commit, **({} if files else {"name": f"{name}.bin"})}
    store = Store(place / "models", offline=False)
    model = of_repository(files, "words.bin")
    with suppress(GovorError):
        store.install(model)
    with suppress(GovorError):
        verify(store, model)
    with suppress(GovorError):
        remove(store, model)
    prune(store, [])
    assert untouched(place)


@pytest.mark.parametrize("etag", ["../../../outside/victim", "weak", "", HASH.upper(), HASH + "0"])
def test_a_file_whose_etag_is_no_hash_is_installed_and_not_shared(
    liar: Hub, place: Path, tmp_path: Path, etag: str
) -> None:
    liar.put("owner/small", "words.bin", SMALL, large=False)
    liar.lies = {"etag": etag}
    before = set((place / "hub-cache").rglob("*"))
    store = Store(tmp_path / "models", offline=False)
    assert (store.install(of_repository(True, "words.bin")) / "words.bin").read_bytes() == SMALL
    assert set((place / "hub-cache").rglob("*")) == before
    assert untouched(place)


def test_a_size_that_is_none_is_unknown(liar: Hub, tmp_path: Path) -> None:
    liar.put("owner/small", "words.bin", SMALL)
    liar.lies = {"size": "-7"}
    store = Store(tmp_path / "models", offline=False)
    assert (store.install(of_repository(True, "words.bin")) / "words.bin").read_bytes() == SMALL


@pytest.mark.parametrize(
    "name", ["../outside.bin", "/etc/x.bin", ".govor.json/a.bin", "a//b.bin", "a\x1b.bin"]
)
def test_a_listed_file_that_leads_out_of_the_folder_is_refused_in_a_sentence(
    liar: Hub, tmp_path: Path, name: str
) -> None:
    liar.put("owner/small", "words.bin", SMALL)
    liar.lies = {"name": name}
    store = Store(tmp_path / "models", offline=False)
    with pytest.raises(DownloadFailed, match="is not a path inside the model's folder"):
        store.install(of_repository(False, ""))


@quick
@given(hostile, hostile, hostile, hostile, hostile)
def test_files_shared_with_other_tools_stay_in_their_cache(
    liar: Hub, place: Path, repository: str, revision: str, name: str, commit: str, etag: str
) -> None:
    source = place / "models/source.bin"
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(SMALL)
    for file in (
        HubFile(repository, "main", "a.bin", COMMIT, HASH),
        HubFile("owner/small", revision, "a.bin", COMMIT, HASH),
        HubFile("owner/small", "main", name, COMMIT, HASH),
        HubFile("owner/small", "main", "a.bin", commit, HASH),
        HubFile("owner/small", "main", "a.bin", COMMIT, etag),
    ):
        share(file, source)
    assert untouched(place)


def test_a_manifest_that_names_files_elsewhere_lists_none(tmp_path: Path) -> None:
    entry = {"name": "../../outside/victim", "source": "hf:a/b@main/c", "size": 1, "sha256": ""}
    body = {"id": "x", "plugin": "family", "repository": "a/b@main", "files": [entry]}
    (tmp_path / LISTING).write_text(json.dumps(body))
    assert read_listing(tmp_path, "a/b@main") == ()


def test_a_manifest_in_another_models_folder_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = model_of().spec
    family = Plugin("family", "dist", "1", "ready", backend=Adopter(spec))
    for folder, model in (("a--b", "a/b"), ("mine", "../../outside"), ("other", "a/b")):
        path = tmp_path / "family" / folder
        path.mkdir(parents=True)
        body = {"id": model, "plugin": "family", "repository": "a/b@main", "files": []}
        (path / LISTING).write_text(json.dumps(body))
    assert [spec.id for _, spec in pulled_models(tmp_path, [family])] == ["a/b"]
    assert caplog.text.count("whose folder this is not") == 2


@given(st.text(max_size=20))
def test_any_text_makes_the_name_of_one_folder(text: str) -> None:
    name = folder_name(text)
    assert is_name(name) or ":" in name
    assert not name.startswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "a/b@..",
        "a/b@.",
        "../b",
        "a/..",
        "a/b/c",
        "a/b@x/y",
        "a/b@x y",
        "a",
        "",
        "a/b@",
        ".a/b",
        "a/b\n",
        "é/b",
    ],
)
def test_an_invalid_repository_name_is_not_requested(text: str) -> None:
    with pytest.raises(ValueError, match="is not written OWNER/REPO"):
        parse_repository(text)


def test_files_of_models_have_plain_names() -> None:
    assert all(
        map(is_model_file, ["model.bin", "onnx/model.onnx", ".gitattributes", "a b.txt", "модель.bin"])
    )
    refused = ["", "/a", "a/", "a/../b", "./a", "a\\b", "C:a", "a\0", "a\n", ".govor.json", "x" * 256]
    assert not any(map(is_model_file, refused))
