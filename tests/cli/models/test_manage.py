"""`govor models`, `pull`, `rm`, `verify`, `prune`, `du`: on the disk, and the same of a running server."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import ModelSpec
from govor.plugins import GROUP
from govor.settings import Settings
from govor.testing import plugins_of
from support.models.hub_standin import Hub, serving_hub, standing_in
from support.models.small_models import BYTES, Adopter, file_of
from support.processes.packages import install_plugin
from support.waiting import eventually

FAMILY = """
import govor

class Family:
    def models(self):
        weights = govor.ModelFile("weights.bin", ("{source}",), {size}, "{sha256}")
        words = govor.ModelFile("words.bin", ("{words}",), 6)
        return [govor.ModelSpec("small", (weights, words), languages=("en", "ru"))]

    def load(self, spec, folder, device):
        raise NotImplementedError

@govor.hookimpl
def backend(settings):
    return Family()
"""
SIZE = len(BYTES)
OTHERS = {"whisper", "gigaam-onnx", "gigaam-torch", "transformers", "moonshine"}
"""Plugins whose models are not looked at; a name that is not installed would be a warning."""


class ModelsPlace:
    """Where models are managed: this machine's disk, or a server's."""

    def __init__(self, shell: Any, hub: Hub, models: Path, *options: str):
        self.shell, self.hub, self.models, self.options = shell, hub, models, options

    def run(self, command: str, *args: str) -> Any:
        """Run a command there."""
        return self.shell.run(command, *self.options, *args)

    def json(self, command: str, *args: str) -> Any:
        """Run a command with --json and return what it prints."""
        result = self.run(command, "--json", *args)
        assert result.stderr == ""
        return json.loads(result.stdout)


@pytest.fixture
def on_disk(shell: Any) -> Iterator[ModelsPlace]:
    """This machine's disk, with a plugin whose model is on the hub."""
    with serving_hub() as hub:
        source = hub.put("owner/small", "weights.bin", BYTES)
        words = hub.put("owner/small", "words.bin", b"yes no")
        sha256 = file_of("weights.bin").sha256
        install_plugin(
            shell.site, "family", FAMILY.format(source=source, words=words, size=SIZE, sha256=sha256)
        )
        models = shell.folder / "models"
        shell.env.update(
            HF_ENDPOINT=hub.url,
            GOVOR_MODELS_DIR=str(models),
            GOVOR_DISABLE=",".join(OTHERS & entry_points(group=GROUP).names),
        )
        yield ModelsPlace(shell, hub, models)


@pytest.fixture
def on_server(shell: Any, serve: Callable[..., Any], tmp_path: Path) -> Iterator[ModelsPlace]:
    """A running server with the same model, which asks for a key."""
    with standing_in(tmp_path / "hub-cache") as hub:
        weights = file_of("weights.bin", hub.put("owner/small", "weights.bin", BYTES))
        words = file_of("words.bin", hub.put("owner/small", "words.bin", b"yes no"), content=b"yes no")
        family = Adopter(ModelSpec("small", (weights, words), languages=("en", "ru")), ModelSpec("echo"))
        models = tmp_path / "server-models"
        server = serve(
            plugins_of(Settings(), family=family), models_dir=models, preload=(), api_keys=("secret",)
        )
        shell.env.update(GOVOR_API_KEY="secret", GOVOR_MODELS_DIR=str(tmp_path / "unused"))
        yield ModelsPlace(shell, hub, models, "--server", server.url)


@pytest.fixture(params=["disk", "server"])
def place(request: pytest.FixtureRequest) -> ModelsPlace:
    """Each of the two."""
    found: ModelsPlace = request.getfixturevalue(f"on_{request.param}")
    return found


def rows(text: str) -> dict[str, list[str]]:
    """A table's cells, by the first one."""
    return {cells[0]: cells for line in text.splitlines() if (cells := line.split("\t"))}


def test_a_models_life_from_its_pull_to_its_end(place: ModelsPlace) -> None:
    known = rows(place.run("models", "--all").stdout)["small"]
    assert known[1:3] == ["available", "321 kB"]
    assert "en ru" in known
    pulled = place.run("pull", "small", "echo")
    assert (pulled.returncode, pulled.stderr) == (0, "")
    first, second = pulled.stdout.splitlines()
    assert re.fullmatch(r"small is installed in \S*family/small( of http://\S+)?( \(321 kB in .*\))?", first)
    assert second == "echo needs no files"
    assert rows(place.run("models").stdout)["small"][1] == "installed"
    checked = place.run("verify", "small")
    assert (checked.returncode, checked.stdout) == (0, "small: 2 files are as fetched\n")
    assert rows(place.run("du").stdout)["small"][1:] == ["1 kB", "321 kB", "0 MB"]
    gone = place.run("rm", "small")
    assert gone.returncode == 0
    assert gone.stdout.startswith("small is deleted: 1 kB freed. 0 MB are still in the Hugging Face cache")
    assert not (place.models / "family/small").exists()


def test_programs_read_json(place: ModelsPlace) -> None:
    (pulled,) = place.json("pull", "small")["data"]
    assert pulled["id"] == "small"
    listed = {entry["id"]: entry for entry in place.json("models")["data"]}
    assert (listed["small"]["state"], listed["small"]["size"]) == ("installed", SIZE + 6)
    (report,) = place.json("verify", "small")["data"]
    assert [file["state"] for file in report["files"]] == ["ok", "ok"]
    (place.models / "family/small/old.bin.govor-part").write_bytes(b"12345")
    storage = place.json("du")
    (usage,) = storage["models"]
    assert (usage["model"], usage["shared"]) == ("small", SIZE + 6)
    assert [item["path"] for item in storage["unused"]] == ["family/small/old.bin.govor-part"]
    assert place.json("prune")["freed"] == 5
    (removed,) = place.json("rm", "small")["data"]
    assert (removed["id"], removed["deleted"]) == ("small", True)


def test_a_damaged_file_is_told_and_mended(place: ModelsPlace) -> None:
    place.run("pull", "small")
    (place.models / "family/small/weights.bin").unlink()
    (place.models / "family/small/weights.bin").write_bytes(b"?" * SIZE)
    result = place.run("verify")
    assert result.returncode == 1
    assert result.stdout == "small: weights.bin is damaged. `govor pull small` mends it.\n"
    assert "small" not in rows(place.run("models").stdout)
    assert place.run("pull", "small").returncode == 0
    assert place.run("verify").returncode == 0


def test_a_pull_mends_files_on_this_disk_at_once(on_disk: ModelsPlace) -> None:
    place = on_disk
    place.run("pull", "small")
    (place.models / "family/small/weights.bin").unlink()
    (place.models / "family/small/weights.bin").write_bytes(b"?" * SIZE)
    assert place.run("pull", "small").returncode == 0
    assert (place.models / "family/small/weights.bin").read_bytes() == BYTES


@pytest.mark.parametrize(("left", "told"), [(b"?", "damaged"), (None, "missing")])
def test_a_file_that_lost_bytes_is_told_until_it_is_mended(
    place: ModelsPlace, left: bytes | None, told: str
) -> None:
    place.run("pull", "small")
    weights = place.models / "family/small/weights.bin"
    weights.unlink()
    if left is not None:
        weights.write_bytes(left)
    for _ in range(2):
        result = place.run("verify")
        assert (result.returncode, result.stderr) == (1, "")
        assert result.stdout == f"small: weights.bin is {told}. `govor pull small` mends it.\n"
    place.run("pull", "small")
    assert place.run("verify").returncode == 0


def test_what_is_unused_is_told_before_it_is_deleted(place: ModelsPlace) -> None:
    place.run("pull", "small")
    old = place.models / "family/small/old.bin.govor-part"
    old.write_bytes(b"?" * 2_000_000)
    told = "2 MB are used by no model; `govor prune` deletes them."
    assert told in place.run("du").stdout
    assert (
        place.run("prune", "--dry-run").stdout
        == "family/small/old.bin.govor-part (partial, 2 MB)\n2 MB would be freed.\n"
    )
    assert old.exists()
    assert place.run("prune").stdout == "family/small/old.bin.govor-part (partial, 2 MB)\n2 MB freed.\n"
    assert not old.exists()


FAILURES = {
    "pull nonsense": "The model 'nonsense' does not exist. Available: ",
    "rm nonsense": "The model 'nonsense' does not exist. Available: ",
    "rm small": "The model 'small' is not installed: there is nothing to delete.\n",
    "rm ech": "The model 'ech' does not exist. Did you mean 'echo'? Available: echo, ",
    "rm echo": "'echo' has no files. To be rid of it, put its plugin into `disable`.",
    "verify small": "The model 'small' is not installed: there is nothing to check.\n",
    "pull owner/unknown": "'owner/unknown' is no model that a plugin or plugins.toml declares, and ",
}


@pytest.mark.parametrize("command", FAILURES)
def test_what_cannot_be_done_is_one_sentence(place: ModelsPlace, command: str) -> None:
    result = place.run(*command.split())
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"govor: {FAILURES[command]}")
    assert result.stderr.count("\n") == 1


def test_of_several_models_one_that_fails_does_not_stop_the_others(place: ModelsPlace) -> None:
    result = place.run("pull", "nonsense", "small")
    assert result.returncode == 1
    assert result.stdout.startswith("small is installed in ")
    assert "'nonsense' does not exist" in result.stderr


@pytest.mark.parametrize("words", ["models SERVER pull small", "models pull small SERVER"])
def test_a_server_that_stands_before_the_subcommand_is_the_one_that_fetches(
    on_server: ModelsPlace, words: str
) -> None:
    args = words.replace("SERVER", " ".join(on_server.options)).split()
    result = on_server.shell.run(*args)
    assert result.stdout.startswith(f"small is installed in family/small of {on_server.options[1]}"), (
        result.stderr
    )


def test_options_before_the_subcommand_are_meant_for_it(on_disk: ModelsPlace, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    result = on_disk.run("models", "--json", "--models-dir", str(folder), "pull", "small")
    assert json.loads(result.stdout)["data"][0]["id"] == "small", result.stderr
    assert (folder / "family/small").is_dir()


def test_a_failed_download_is_one_sentence(place: ModelsPlace) -> None:
    place.hub.refuse("weights.bin", 403)
    result = place.run("pull", "small")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("govor: Cannot fetch 'weights.bin': ")
    assert result.stderr.count("\n") == 1


def test_a_wrong_key_and_a_server_that_is_not_there_are_told(on_server: ModelsPlace, free_port: int) -> None:
    wrong = on_server.run("models", "--api-key", "wrong")
    assert wrong.returncode == 1
    assert wrong.stderr.endswith(" does not know the key of --api-key or GOVOR_API_KEY.\n")
    absent = on_server.shell.run("models", "--server", f"http://127.0.0.1:{free_port}")
    assert absent.returncode == 1
    assert absent.stderr.startswith(f"govor: No server answers at http://127.0.0.1:{free_port}: ")


def test_a_terminal_shows_a_bar_for_each_file_and_one_for_all(on_disk: ModelsPlace) -> None:
    code, shown = on_disk.shell.show("pull", "small")
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"\bsmall +━+ +320\.0/320\.0 kB", plain, re.MULTILINE)
    assert re.search(r"  weights\.bin +━+ +320\.0/320\.0 kB", plain, re.MULTILINE)
    assert re.search(r"  words\.bin +━+ +6/6 bytes", plain, re.MULTILINE)
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= 100


def test_a_terminal_shows_the_servers_download(on_server: ModelsPlace) -> None:
    code, shown = on_server.shell.show("pull", *on_server.options, "small")
    assert code == 0
    assert re.search(r"320\.0/320\.0 kB", shown)


def test_an_interrupted_download_goes_on_where_it_was(on_disk: ModelsPlace, started: Any) -> None:
    on_disk.hub.stall("weights.bin")
    process = started("pull", "small")
    part = on_disk.models / "family/small/weights.bin.govor-part"
    assert eventually(lambda: part.is_file() and part.stat().st_size == SIZE // 2, 30)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.strip()) == (130, "")
    on_disk.hub.go_on("weights.bin")
    assert on_disk.run("pull", "small").returncode == 0
    assert on_disk.hub.sent["weights.bin"] == SIZE


def test_a_repository_of_the_hub_is_pulled_by_name_where_that_is_allowed(on_disk: ModelsPlace) -> None:
    files = {"config.json": b"{}", "model.bin": BYTES, "tokenizer.json": b"{}", "README.md": b"read"}
    for name, content in files.items():
        on_disk.hub.put("owner/faster-whisper-mine", name, content, large=name == "model.bin")
    on_disk.shell.env["GOVOR_DISABLE"] = "gigaam-onnx"
    result = on_disk.run("pull", "--download", "any", "owner/faster-whisper-mine@main")
    assert (result.returncode, result.stderr) == (0, "")
    folder = on_disk.models / "whisper/owner--faster-whisper-mine@main"
    assert (folder / "model.bin").read_bytes() == BYTES
    assert not (folder / "README.md").exists()
    listed = {entry["id"]: entry for entry in on_disk.json("models")["data"]}
    assert listed["owner/faster-whisper-mine@main"]["backend"] == "whisper"
