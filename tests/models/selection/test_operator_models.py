"""Models of the operator's own, from plugins.toml and from the hub by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import Feature, ModelSpec
from govor.errors import ConfigurationError, DownloadFailed, UnsupportedOperation
from govor.models.catalogue import Catalogue
from govor.models.files.store import Store
from govor.models.selection.operator_models import adopt_repository, declared_models, pulled_models
from govor.plugins import Plugins
from govor.settings import Settings, load_settings
from govor.testing import FakeBackend, plugins_of
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, Adopter, file_of

DIGEST = file_of("weights.bin").sha256


@pytest.fixture
def plugins() -> Plugins:
    """A family that accepts the operator's models, and before it one that does not."""
    return plugins_of(Settings(), closed=FakeBackend("fixed"), family=Adopter("known"))


@pytest.fixture
def declared(plugins: Plugins, tmp_path: Path) -> Callable[[str], Any]:
    """Read plugins.toml and return the models of its [[catalogue]]."""

    def read(text: str) -> Any:
        (tmp_path / "plugins.toml").write_text(text)
        return declared_models(load_settings(tmp_path / "plugins.toml").catalogue, plugins)

    return read


def test_a_repository_is_declared(declared: Any) -> None:
    ((plugin, spec),) = declared(
        """
        [[catalogue]]
        id = "mine"
        plugin = "family"
        repository = "owner/small@v2"
        aliases = ["my"]
        languages = ["ru", "de"]
        features = ["words"]
        description = "Mine"
        licence = "MIT"
        """
    )
    assert plugin == "family"
    assert spec == ModelSpec(
        "mine",
        languages=("ru", "de"),
        aliases=("my",),
        features=frozenset({Feature.WORDS}),
        description="Mine",
        licence="MIT",
        repository="owner/small@v2",
    )


def test_the_files_of_a_repository_can_be_named(declared: Any) -> None:
    ((_, spec),) = declared(
        '[[catalogue]]\nid = "mine"\nplugin = "family"\nrepository = "owner/small"\nfiles = ["a.bin"]'
    )
    assert [(file.name, file.sources) for file in spec.files] == [("a.bin", ("hf:owner/small@main/a.bin",))]
    assert (spec.repository, spec.languages) == ("", ("en",))


def test_a_folder_and_addresses_are_declared(declared: Any, tmp_path: Path) -> None:
    (_, folder), (_, address) = declared(
        f"""
        [[catalogue]]
        id = "folder"
        plugin = "family"
        folder = "{tmp_path}"
        [[catalogue]]
        id = "address"
        plugin = "family"
        urls = [{{url = "https://models.invalid/a%20b/weights.bin?x=1", sha256 = "{DIGEST}"}}]
        """
    )
    assert folder.folder == str(tmp_path)
    (file,) = address.files
    assert (file.name, file.sha256) == ("weights.bin", DIGEST)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('plugin = "family"\nrepository = "owner/small"', "catalogue.0.id: is missing"),
        ('id = "x"\nplugin = "family"', "'x' needs one of repository, folder and urls, and has 0"),
        ('id = "x"\nplugin = "family"\nrepository = "a/b"\nfolder = "c"', "and has 2"),
        ('id = "x"\nplugin = "family"\nfolder = "c"\nfiles = ["d"]', "which belong to a repository"),
        ('id = "x"\nplugin = "family"\nrepository = "no slash"', "catalogue.0.repository: must match"),
        ('id = "x"\nplugin = "family"\nurls = [{url = "https://a/b"}]', "sha256: is missing"),
        (
            'id = "x"\nplugin = "family"\nurls = [{url = "ftp://a/b", sha256 = "0"}]',
            "urls.0.url: must match",
        ),
        ('id = "x"\nplugin = "family"\nfolder = "c"\nsize = 3', "there is no key 'catalogue.0.size'"),
    ],
)
def test_a_wrong_table_is_an_error(declared: Any, table: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared(f"[[catalogue]]\n{table}")
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('plugin = "absent"', "there is no plugin 'absent' that runs models"),
        ('plugin = "closed"', "the plugin 'closed' accepts no models but its own"),
        ('plugin = "family"\nlanguages = ["tlh"]', "this family does not speak Klingon"),
    ],
)
def test_a_model_that_no_plugin_takes_is_left_out_with_a_warning(
    declared: Any, caplog: pytest.LogCaptureFixture, table: str, why: str
) -> None:
    with caplog.at_level(logging.WARNING):
        assert declared(f'[[catalogue]]\nid = "mine"\nfolder = "c"\n{table}') == []
    assert caplog.messages == [f"The model 'mine' of [[catalogue]] is left out: {why}"]


def test_an_own_model_wins_over_a_plugins(plugins: Plugins) -> None:
    own = [("family", ModelSpec("known", description="mine")), ("family", ModelSpec("fixed"))]
    catalogue = Catalogue(plugins, {}, own)
    found = catalogue.find("known")
    assert found is not None
    assert found.spec.description == "mine"
    assert [model.id for model in catalogue] == ["known", "fixed", "closed/fixed"]


def test_a_repository_is_taken_by_the_first_family_that_can_run_it(
    plugins: Plugins, hub: Hub, tmp_path: Path
) -> None:
    hub.put("owner/other", "weights.bin", BYTES)
    own = adopt_repository("owner/other", list(plugins))
    assert own == (
        "family",
        ModelSpec(
            "owner/other",
            languages=("en",),
            repository="owner/other@main",
            description="owner/other of the hub",
        ),
    )
    catalogue = Catalogue(plugins, {}, [own])
    model = catalogue.find("owner/other")
    assert model is not None
    Store(tmp_path / "models", offline=False).install(model)
    ((plugin, again),) = pulled_models(tmp_path / "models", plugins)  # as after a restart
    assert (plugin, again.id, again.repository) == ("family", "owner/other", "owner/other@main")


def test_a_repository_that_no_family_can_run_is_an_error(plugins: Plugins, hub: Hub) -> None:
    hub.put("owner/other", "README.md", b"read", large=False)
    with pytest.raises(
        UnsupportedOperation, match="No installed plugin can run the content of the repository owner/other"
    ):
        adopt_repository("owner/other", list(plugins))


def test_a_hub_that_cannot_be_reached_is_an_error_with_the_ways_around_it(
    plugins: Plugins, hub: Hub, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("govor.models.download.hub.PAUSES_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port}")
    with pytest.raises(DownloadFailed, match="the hub cannot be reached") as caught:
        adopt_repository("owner/other", list(plugins))
    assert "HF_ENDPOINT names a mirror" in str(caught.value)
    assert "copy the models folder" in str(caught.value)


def test_a_repository_that_is_not_there_is_an_error(plugins: Plugins, hub: Hub) -> None:
    with pytest.raises(DownloadFailed, match="404: there is no such repository"):
        adopt_repository("owner/absent", list(plugins))


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"id": "x", "plugin": "family", "repository": "../.."}'])
def test_a_damaged_list_on_the_disk_is_ignored(plugins: Plugins, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "family/x"
    folder.mkdir(parents=True)
    (folder / ".govor-files.json").write_text(damage)
    assert pulled_models(tmp_path, plugins) == []


def test_a_plugin_says_why_it_cannot_take_a_repository(hub: Hub, plugins: Plugins, tmp_path: Path) -> None:
    hub.put("owner/pickles", "weights.pickle", BYTES)
    with pytest.raises(
        UnsupportedOperation, match=r"of the repository owner/pickles\. family: it holds pickles only\."
    ):
        adopt_repository("owner/pickles", plugins)
    spec = ModelSpec("mine", repository="owner/pickles@main")
    model = Catalogue(plugins, {}, [("family", spec)]).find("mine")
    assert model is not None
    with pytest.raises(DownloadFailed, match=r"owner/pickles@main cannot be used: it holds pickles only\."):
        Store(tmp_path, offline=False).install(model)
