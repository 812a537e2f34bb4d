"""The examples of the documentation work as they are printed: they are run against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

import govor
from govor import ModelSpec, Options, RuntimeOptions
from govor.audio.chunking import Chunk
from govor.cli.plugin_commands import PluginCommand
from govor.engine.workers.work import ChunkWork
from govor.formats.rendering.known_formats import Formats
from govor.plugins import Plugins
from govor.settings import Settings
from govor.testing import hum
from support.waiting import eventually

Pages = dict[str, Any]

BASE_URL = "http://127.0.0.1:8000"
FAILING_CURL = 'curl() { command curl --silent --show-error --fail "$@"; }\n'  # by itself it exits with 0
SECONDS = 60


@pytest.fixture
def run(server: Any, root: Path, models_dir: Path) -> Any:
    """Run a block as a reader would, at the root of the repository, against the test's server."""
    folder = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "GOVOR_MODELS_DIR": str(models_dir),
        "PYTHONWARNINGS": "error::ResourceWarning",
        "no_proxy": "127.0.0.1",
    }

    def run_block(language: str, code: str) -> str:
        code = code.replace(BASE_URL, server.url)
        if language == "bash":
            command = ["bash", "-euo", "pipefail", "-c", FAILING_CURL + code]
        else:
            command = [sys.executable, "-c", code]
        ran = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert ran.returncode == 0, f"{code}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    return run_block


def words(text: str) -> list[str]:
    """Letters only: machines differ in the last digit of a time, and may in a comma.

    A slow machine gets comments of server-sent events too, which keep a stream open.
    """
    return re.findall(r"[^\W\d_]+", re.sub(r"^:.*\n", "", text, flags=re.MULTILINE).lower())


def test_an_example_runs_and_prints_what_the_page_shows(block: Any, output: Any, run: Any) -> None:
    if block.language == "bash" and not shutil.which("curl"):
        pytest.skip("curl is not on this machine")
    printed = run(block.language, block.code)
    if output is not None:
        assert words(printed) == words(output.code)


def test_the_error_that_the_first_page_shows_is_a_servers_own(
    pages: Pages, server: Any, samples: Path
) -> None:
    (shown,) = [code for code in pages["docs/tutorials/quickstart.md"].marked("json", "") if "error" in code]
    assert server.post(samples / "ru_short.wav", model="gigaam").json() == json.loads(shown)


def test_python_that_is_not_run_is_valid_at_least(pages: Pages) -> None:
    for page in pages.values():
        for code in page.marked("python", ""):
            exec(compile(code, str(page.path), "exec"), {"govor": govor})


def test_the_tests_of_the_tutorial_pass(pages: Pages, tmp_path: Path) -> None:
    (code,) = pages["docs/tutorials/write-a-backend.md"].marked("python", "test_echo.py")
    (tmp_path / "test_echo.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_echo.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


def plugin_of(code: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **table: Any) -> Plugins:
    """Put the code where an installed module would be and let the core find it, alone."""
    module = f"example_{name}"
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    point = EntryPoint(name, module, "govor")
    return Plugins(Settings(plugins={name: table}), [point])


@pytest.fixture
def example(pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open the example of a hook as a plugin, with a table of settings."""

    def open_example(hook: str, **table: Any) -> Plugins:
        (code,) = pages["docs/reference/hooks.md"].marked("python", f"run {hook}")
        return plugin_of(code, hook, tmp_path, monkeypatch, **table)

    return open_example


def test_the_example_of_the_hook_backend_answers(example: Any, serve: Any, samples: Path) -> None:
    server = serve(example("backend", word="Ho!"), default_models=("shout",))
    assert server.post(samples / "ru_short.wav").json()["text"] == "Ho!"


def test_the_example_of_the_hook_backend_refuses_wrong_settings(example: Any) -> None:
    (plugin,) = example("backend", word=7)
    assert (plugin.state, plugin.reason) == ("failed", "ValueError: [plugins.shout] word must be a text")


def test_the_example_of_the_hook_commands_greets(example: Any) -> None:
    greet = example("commands").commands(())["greet"]
    assert CliRunner().invoke(greet, ["Vera"]).output == "Hey, Vera!\n"


def test_the_example_of_a_declared_command_greets(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = pages["docs/reference/hooks.md"].marked("python", "run command")
    (tmp_path / "example_greeting.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("greet", "example_greeting:greet", "govor.commands")
    greet = PluginCommand("greeter", point).load()
    for table, said in (({}, "Hey, Vera!\n"), ({"word": "Ho"}, "Ho, Vera!\n")):
        with click.Context(greet) as parent:
            parent.meta["govor.settings"] = lambda table=table: table
            assert CliRunner().invoke(greet, ["Vera"], parent=parent).output == said


def test_the_example_of_the_hook_formats_writes_a_line_per_paragraph(example: Any) -> None:
    formats = Formats(example("formats").formats())
    segment = govor.Segment("Привет.", 0.5, 1.0, speaker="A")
    transcript = govor.Transcript("Привет.", (segment,), 1.0, "ru", "transcribe", "fake")
    body, media_type = formats.render(transcript, "jsonl", words=False, segments=True, logprobs=False)
    assert (body, media_type) == ('{"at": 0.5, "who": "A", "text": "Привет."}\n', "application/jsonl")


def test_the_example_of_the_hook_text_writes_a_number(example: Any) -> None:
    (plugin,) = example("text")
    ((spec, family),) = plugin.others
    loaded = family.load(spec, Path(), RuntimeOptions())
    given = govor.Segment("a dozen eggs", words=(govor.Word("dozen", 0.5, 1.0),))
    (found,) = loaded.process([given], govor.TextOptions("en", itn=True))
    assert (found.text, found.words) == ("a 12 eggs", (govor.Word("12", 0.5, 1.0),))


def test_the_example_of_the_hook_vad_is_the_detector(example: Any) -> None:
    (plugin,) = example("vad")
    ((spec, family),) = plugin.others
    detector = family.load(spec, Path(), None)
    sound = np.zeros(detector.frame * 3, np.float32)
    sound[detector.frame : 2 * detector.frame] = 0.5
    assert detector.stream().feed(sound).tolist() == [0.0, 1.0, 0.0]


def test_the_example_of_the_hook_diarizer_gives_everything_to_one_speaker(example: Any) -> None:
    (plugin,) = example("diarizer")
    ((spec, family),) = plugin.others
    voices = family.load(spec, Path(), None)
    assert voices.voiceprint(np.zeros(9, np.float32)) is None
    stream = voices.stream([voices.voiceprint(np.ones(9, np.float32))])
    stream.feed(np.ones(16_000, np.float32))
    stream.feed(np.ones(8_000, np.float32))
    assert [(turn.start, turn.end, turn.speaker) for turn in stream.finish()] == [(0.0, 1.5, 0)]


async def work_of(executor: Any, name: str) -> tuple[list[str], Any]:
    """Let an executor load a model of a plugin and do one task; return its text, and the worker."""
    worker = await executor.load(name, ModelSpec("echo"), Path(), RuntimeOptions("pair:1"))
    (outcome,) = await worker.run([ChunkWork(Chunk(hum(2.0), (0,), (0,)), Options())])
    await worker.close()
    return [segment.text for segment in outcome.segments], worker


def test_the_example_of_the_hook_executor_runs_a_model(example: Any) -> None:
    (plugin,) = example("executor")
    said, worker = asyncio.run(work_of(plugin.executor, "echo"))
    assert (len(said), worker.info.parallel) == (1, 2)
    assert worker.threads._shutdown


def test_the_example_of_the_hook_startup_writes_a_text_beside_each_recording(
    example: Any, serve: Any, samples: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    plugins = example("startup", inbox=str(inbox))
    server = serve(plugins)
    shutil.copy(samples / "ru_short.wav", inbox)
    written = inbox / "ru_short.txt"
    assert eventually(
        lambda: written.is_file() and "model" in written.read_text(encoding="utf-8")
    )  # has none
    assert server.stop()
    assert [plugin.state for plugin in plugins] == ["ready"]


def test_the_example_of_a_streaming_model_answers(
    pages: Pages, serve: Any, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = pages["docs/guides/backends.md"].marked("python", "run streaming")
    plugins = plugin_of(code, "listening", tmp_path, monkeypatch)
    server = serve(plugins, default_models=("listener",))
    assert server.post(samples / "ru_short.wav").json()["text"].endswith("seconds so far.")
