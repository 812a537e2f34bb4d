"""The models of a service on its disk, as routes and terminal see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import ModelFile, ModelSpec
from govor.engine import library
from govor.engine.service import Service
from govor.errors import DownloadForbidden, ModelNotFound, ModelNotInstalled, ModelProtected
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of

ABSENT = ModelSpec("absent", files=(ModelFile("a.bin", ("https://127.0.0.1:9/a.bin",), size=3),))
HERE = ModelSpec("here")
MakeService = Callable[..., Service]


@pytest.fixture
def service_of(tmp_path: Path) -> MakeService:
    def make(**changes: Any) -> Service:
        settings = Settings(models_dir=tmp_path, **changes)
        return Service(settings, plugins_of(settings, family=FakeBackend(HERE, ABSENT)))

    return make


def test_a_pull_means_a_known_model_and_a_repository_only_if_any_may_be_fetched(
    service_of: MakeService,
) -> None:
    assert library.wanted_model(service_of(), "absent").spec is ABSENT
    with pytest.raises(ModelNotFound):
        library.wanted_model(service_of(), "unknown")
    with pytest.raises(DownloadForbidden, match="no model that a plugin"):
        library.wanted_model(service_of(), "owner/name")
    with pytest.raises(DownloadForbidden, match="`offline`"):
        library.wanted_model(service_of(download="any", offline=True), "owner/name")


def test_nothing_missing_is_fetched_if_downloads_are_off(service_of: MakeService) -> None:
    service = service_of(download="off")
    with pytest.raises(DownloadForbidden, match='`download` is "off"'):
        library.check_download(service, service.router.require("absent"))
    library.check_download(service, service.router.require("here"))
    library.check_download(service_of(), service.router.require("absent"))


def test_a_model_that_is_not_there_is_neither_verified_nor_deleted(service_of: MakeService) -> None:
    service = service_of()
    with pytest.raises(ModelNotInstalled):
        library.verify(service, "absent")
    for name, error in (("absent", ModelNotInstalled), ("here", ModelProtected)):
        with pytest.raises(error):
            asyncio.run(library.remove(service, service.router.require(name)))


def test_files_are_verified_and_counted(service_of: MakeService, tmp_path: Path) -> None:
    service = service_of()
    model = service.router.require("absent")
    folder = service.store.folder(model)
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"abc")
    (folder / ".govor.json").write_text("{}", encoding="utf-8")
    report = library.verify(service, "absent")
    assert (report.model, report.ok, [file.state for file in report.files]) == (model, True, ["unchecked"])
    (folder / "a.bin").unlink()
    assert library.verify(service, "absent").ok is False
    contents = library.look_at(service)
    assert (contents.folder, [usage.model for usage in contents.models]) == (str(tmp_path), ["absent"])
    assert contents.free > 0
    assert library.prune(service) == list(contents.unused) == []
