"""`govor models` and `govor plugins`: what is here, what could be, fetching it, and what is broken."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from support.models.hub_standin import Hub, serving_hub
from support.models.small_models import BYTES, files_below
from support.processes.packages import install_plugin
from support.processes.terminal import run_on_terminal

FAMILY = """
import govor

class Family:
    def models(self):
        weights = govor.ModelFile("weights.bin", ("{source}",), {size})
        return [govor.ModelSpec("small", (weights,), languages=("en", "ru"))]

    def load(self, spec, folder, runtime):
        raise NotImplementedError

@govor.hookimpl
def backend(settings):
    return Family()
"""
WRONG_TABLE = """
import govor

@govor.hookimpl
def backend(settings):
    raise ValueError("[plugins.wrong] beam_size: must be at least 1")
"""


DIARIZER = """
import govor

class Two:
    spec = govor.ModelSpec("two")

@govor.hookimpl
def diarizer(settings):
    return Two()
"""


@pytest.fixture
def hub(shell: Any) -> Iterator[Hub]:
    """A hub that has the file of the model "small", whose plugin is installed."""
    with serving_hub() as hub:
        source = hub.put("owner/small", "weights.bin", BYTES)
        install_plugin(shell.site, "family", FAMILY.format(source=source, size=len(BYTES)))
        shell.env.update(HF_ENDPOINT=hub.url, GOVOR_MODELS_DIR=str(shell.folder / "models"))
        yield hub


def rows(text: str) -> dict[str, list[str]]:
    """A table's cells, by the first one."""
    return {cells[0]: cells for line in text.splitlines() if (cells := line.split("\t"))}


def test_what_tells_speakers_apart_writes_no_kind_of_text(shell: Any) -> None:
    install_plugin(shell.site, "voices", DIARIZER)
    table = rows(shell.run("models").stdout)
    text = table["ID"].index("TEXT")
    assert (table["two"][text], table["echo"][text]) == ("-", "plain")


def test_models_lists_what_can_answer(shell: Any) -> None:
    result = shell.run("models")
    assert (result.returncode, result.stderr) == (0, "")
    table = rows(result.stdout)
    assert table.keys() >= {"ID", "echo", "whisper-base"}
    assert "whisper-tiny" not in table
    assert table["whisper-base"][1:7] == ["installed", "148 MB", "~280 MB", "99", "punctuated", "-"]
    assert table["echo"][1:5] == ["installed", "-", "-", "any"]


def test_models_all_lists_what_could_answer_too(shell: Any) -> None:
    table = rows(shell.run("models", "--all").stdout)
    assert table["whisper-large-v3-turbo"][1] == "available"
    assert table["whisper-base"][1] == "installed"
    assert table["gigaam-v3-rnnt"][1:6] == ["available", "~890 MB", "~400 MB", "ru", "plain"]
    assert table["gigaam-v3-e2e-ctc"][1:6] == ["available", "886 MB", "~400 MB", "ru", "punctuated"]


def test_an_error_rate_names_what_it_was_measured_on(shell: Any) -> None:
    table = rows(shell.run("models", "--all").stdout)
    wer = table["ID"].index("WER")
    assert table["gigaam-v3-rnnt"][wer] == "8.3 (average of 10 Russian sets)"
    assert table["gigaam-v3-e2e-ctc"][wer] == "12.0 (average of 10 Russian sets, without punctuation)"
    assert table["gigaam-multilingual-ctc"][wer] == "4.4 (FLEURS ru)"
    figures = {cells[wer] for name, cells in table.items() if name != "ID"}
    assert {figure for figure in figures if not figure.endswith(")")} == {"-"}


def test_on_a_terminal_only_error_rates_of_one_test_set_have_one_letter(shell: Any) -> None:
    command = (sys.executable, "-m", "govor", "models", "--all")
    _, shown = run_on_terminal(command, env=shell.env, cwd=shell.folder, columns=200, output=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "")
    letters = dict(re.findall(r"^(?:gigaam-torch/)?(gigaam-\S+) .* [0-9.]+([a-z]) ", plain, re.MULTILINE))
    assert letters["gigaam-v3-rnnt"] == letters["gigaam-v2-ctc"] == letters["gigaam-v3-ctc"]
    assert letters["gigaam-v3-e2e-rnnt"] == letters["gigaam-v3-e2e-ctc"]
    apart = [letters[name] for name in ("gigaam-v3-rnnt", "gigaam-v3-e2e-rnnt", "gigaam-multilingual-ctc")]
    assert len(set(apart)) == 3
    legend = plain.splitlines()[-1]
    assert f"{apart[0]}: average of 10 Russian sets; " in f"{legend}; ".replace(". Only", "; Only")
    assert f"{apart[2]}: FLEURS ru" in legend
    assert legend.endswith(". Only figures with one letter can be compared.")


def test_a_line_of_a_piped_table_is_not_cut(shell: Any) -> None:
    shown = shell.run("models", "--all", COLUMNS="40").stdout
    assert "close to large-v3 and several times faster; does not translate\n" in shown
    assert not re.search(r" +$", shown, re.MULTILINE)


def test_eighty_columns_show_what_one_chooses_by(shell: Any) -> None:
    command = (sys.executable, "-m", "govor", "models", "--all")
    _, shown = run_on_terminal(command, env=shell.env, cwd=shell.folder, columns=80, output=True)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "").splitlines()
    assert lines[0].split() == ["ID", "STATE", "SIZE", "MEMORY", "LANGS", "TEXT", "WER"]
    row = next(place for place, line in enumerate(lines) if line.startswith("whisper-small "))
    assert re.split(" {2,}", lines[row])[2:] == ["486 MB", "~580 MB", "99", "punctuated", "-"]
    assert lines[row + 1].startswith("    99 languages; a clear step above base")
    assert max(map(len, lines[:-1])) <= 80  # the last one is of words, which a terminal folds


def test_every_model_of_the_catalogue_has_a_size(shell: Any) -> None:
    table = rows(shell.run("models", "--all").stdout)
    size = table["ID"].index("SIZE")
    without_files = {"echo"} | ({"itn"} if importlib.util.find_spec("govor_text") else set())
    assert {name for name, cells in table.items() if cells[size] == "-"} == without_files


def test_names_mean_what_they_say(shell: Any) -> None:
    listed = json.loads(shell.run("models", "--all", "--json").stdout)["data"]
    leads = {alias: entry["id"] for entry in listed for alias in entry["aliases"]}
    assert leads["whisper-large"] == leads["large"] == "whisper-large-v3"
    assert leads["gigaam"] == "gigaam-v3-e2e-rnnt"


def test_a_model_whose_plugin_is_missing_says_which(shell: Any) -> None:
    result = shell.run("pull", "vosk-model", "gigaam-v3-ctc@fp16", "voxtral-mini-ghost")
    assert result.returncode == 1
    first, _, last = result.stderr.splitlines()
    assert "does not exist" in first
    assert ("govor-transformers" in last) is (importlib.util.find_spec("govor_transformers") is None)


def test_a_model_is_fetched_from_the_hub(shell: Any, hub: Hub) -> None:
    result = shell.run("pull", "small")
    folder = shell.folder / "models/family/small"
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(rf"small is installed in {folder}( \(320 kB in [^)]+\))?\n", result.stdout)
    assert (folder / "weights.bin").read_bytes() == BYTES
    assert rows(shell.run("models").stdout)["small"][1:5] == ["installed", "320 kB", "-", "en ru"]


def test_fetching_shows_progress_on_a_terminal(shell: Any, hub: Hub) -> None:
    code, shown = shell.show("pull", "small")
    assert code == 0
    assert re.search(r"320\.0/320\.0 kB", shown)


def test_offline_a_model_is_not_fetched(shell: Any, hub: Hub) -> None:
    result = shell.run("pull", "--offline", "small")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("govor: Cannot fetch 'weights.bin': hf:owner/small@")
    assert result.stderr.endswith("not asked, as `offline` is set.\n")
    assert hub.requests.total() == 0


def test_a_failed_download_is_one_line(shell: Any, hub: Hub) -> None:
    hub.refuse("weights.bin", 404)
    result = shell.run("pull", "small")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("govor: Cannot fetch 'weights.bin': ")
    assert result.stderr.count("\n") == 1


def test_a_download_that_is_interrupted_before_its_first_byte_leaves_nothing(
    shell: Any, hub: Hub, started: Any
) -> None:
    hub.gate = threading.Event()
    process = started("pull", "small")
    assert hub.waiting.acquire(timeout=30)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    hub.gate.set()
    assert (process.returncode, errors.strip()) == (130, "")
    assert files_below(shell.folder / "models") == set()


def test_a_model_without_files_needs_none(shell: Any) -> None:
    assert shell.run("pull", "echo").stdout == "echo needs no files\n"


def test_an_unknown_model_is_one_line_with_some_that_are_known(shell: Any) -> None:
    result = shell.run("pull", "whisper-tyni")
    assert (result.returncode, result.stdout) == (1, "")
    begins = "govor: The model 'whisper-tyni' does not exist. Did you mean 'whisper-tiny'? Available: "
    assert result.stderr.startswith(begins)
    assert " echo, " in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_models_folder_that_cannot_be_written_is_one_line(shell: Any) -> None:
    (shell.folder / "file").touch()
    result = shell.run("pull", "whisper-base", GOVOR_MODELS_DIR="file/models")
    assert result.returncode == 1
    assert result.stderr == (
        "govor: The files of 'whisper-base' cannot be kept in file/models/whisper/whisper-base: "
        "Not a directory.\n"
    )


def test_a_models_folder_that_cannot_be_read_is_empty(shell: Any) -> None:
    (shell.folder / "file").touch()
    result = shell.run("models", GOVOR_MODELS_DIR="file/models")
    assert (result.returncode, result.stderr) == (0, "")


def test_plugins_lists_what_is_installed(shell: Any) -> None:
    table = rows(shell.run("plugins").stdout)
    assert table["whisper"] == ["whisper", "ready", "govor-whisper 0.1.0", "backend", "17", ""]
    assert table["silero"][1:] == ["ready", "govor-silero 0.1.0", "vad", "-", ""]


def test_plugins_are_listed_as_json(shell: Any) -> None:
    install_plugin(shell.site, "broken", "import no_such_library\n")
    result = shell.run("plugins", "--json")
    listed = {plugin["name"]: plugin for plugin in json.loads(result.stdout)["data"]}
    assert listed["broken"]["state"] == "failed"
    assert "no_such_library" in listed["broken"]["reason"]
    assert listed["echo"].items() >= {"state": "ready", "hooks": ["backend"], "models": ["echo"]}.items()
    assert result.stderr == ""


def test_plugins_tells_why_one_failed(shell: Any) -> None:
    install_plugin(shell.site, "broken", "import no_such_library\n")
    install_plugin(shell.site, "wrong", WRONG_TABLE)
    result = shell.run("plugins")
    table = rows(result.stdout)
    assert result.returncode == 0
    assert table["broken"][1] == "failed"
    assert table["broken"][-1] == "ModuleNotFoundError: No module named 'no_such_library'"
    assert table["wrong"][-1] == "ValueError: [plugins.wrong] beam_size: must be at least 1"
    assert table["echo"][1] == "ready"
    assert "Traceback" not in result.stderr


def test_a_disabled_plugin_is_listed_so(shell: Any) -> None:
    assert rows(shell.run("plugins", GOVOR_DISABLE="echo").stdout)["echo"][1] == "disabled"


def test_a_reason_is_whole_on_a_terminal(shell: Any) -> None:
    install_plugin(shell.site, "wrong", WRONG_TABLE)
    code, shown = shell.show("plugins")
    assert code == 0
    assert "[plugins.wrong] beam_size: must be at least 1" in shown
