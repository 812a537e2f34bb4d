"""Govor connects to nothing but its clients, and writes only in its own folders, whatever is loaded.

strace watches it for half a minute after the work: onnxruntime's telemetry begins after eight seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from miniature.halves import widen_folder
from quiet.traces import Trace, apart, read_trace, traced, why_not
from support.processes.server_processes import clean_environment, environment

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")]

HERE = Path(__file__).parent
MINIATURES = HERE.parent / "miniature/models"
QUIET_SECONDS = 30
PATIENCE_SECONDS = 900

LINGERING = f"""
import time
from govor.cli import main
try:
    main()
finally:
    time.sleep({QUIET_SECONDS})  # what its libraries have begun goes on meanwhile
"""

USUAL = {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "USER", "SHELL", "TERM"}
"""A user's environment variables beside Govor's settings. If CI is set, libraries send nothing."""


class Plan:
    """All plugins that can be loaded here, each with a model, and the requests for them."""

    def __init__(self, folder: Path, models_dir: Path, wyoming: int):
        self.folder, self.models_dir, self.wyoming = folder, models_dir, wyoming
        self.plugins: dict[str, dict[str, Any]] = {"wyoming": {"port": wyoming}}
        self.requests: dict[str, dict[str, str]] = {
            "echo": {"model": "echo"},
            "whisper": {"model": "whisper-base", "response_format": "verbose_json"},
            "job": {"model": "echo", "background": "true"},
        }
        for place in self.own:
            place.mkdir(exist_ok=True)

    @property
    def own(self) -> list[Path]:
        """Govor's own folders."""
        return [self.models_dir, *(self.folder / name for name in ("data", "spool", "onnx", "temporary"))]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def add(self, plugin: str, folder: Path, **table: Any) -> None:
        """Declare a model of the operator's own, and a request for it."""
        self.plugins[plugin] = {"models": [{"id": f"own-{plugin}", "folder": str(folder), **table}]}
        self.requests[plugin] = {"model": f"own-{plugin}"}

    def environment(self) -> dict[str, str]:
        """Return the environment of a user without settings of libraries."""
        kept = {name: value for name, value in clean_environment().items() if name in USUAL}
        settings = environment(
            {
                "models_dir": str(self.models_dir),
                "data_dir": str(self.folder / "data"),
                "spool_dir": str(self.folder / "spool"),
                "plugins": self.plugins,
                "metrics": "main",
            }
        )
        ours = {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "HF_ENDPOINT": "http://hub.invalid",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**kept, **ours, **settings}


@pytest.fixture
def plan(tmp_path: Path, models_dir: Path, free_port: int) -> Plan:
    """All installed plugins, with models small enough."""
    made = Plan(tmp_path, models_dir, free_port if find_spec("govor_wyoming") else 0)
    made.home.mkdir()
    widen_folder(MINIATURES / "v3_ctc", tmp_path / "onnx")
    made.add("gigaam-onnx", tmp_path / "onnx")
    if find_spec("govor_moonshine"):
        made.requests["moonshine"] = {"model": "moonshine-tiny-en"}
    if find_spec("torch") and find_spec("govor_gigaam_torch"):
        made.add("gigaam-torch", MINIATURES / "v3_ctc", checkpoint="v3_ctc.ckpt")
    if find_spec("govor_transformers"):
        from support.models.random_speech_models import save_whisper

        save_whisper(tmp_path / "whisper-small")
        made.add("transformers", tmp_path / "whisper-small", family="whisper")
    if find_spec("govor_diarizer"):
        from diarization.networks import install_networks

        install_networks(models_dir)
        made.requests["speakers"] = {"model": "echo", "response_format": "diarized_json"}
    return made


def run(command: list[str], plan: Plan, **variables: str) -> str:
    """Run a command in a network of its own, if the kernel allows; return what it prints."""
    ran = subprocess.run(
        [*apart(), *command], env={**plan.environment(), **variables}, cwd=plan.home, capture_output=True,
        text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout


def watched(log: Path, plan: Plan, *allowed: str) -> Trace:
    """Return the trace, after checking that only `allowed` entries concern networks or others' folders."""
    trace = read_trace(log)
    assert set(trace.addresses) == set(allowed)
    assert trace.lookups == ()
    assert trace.outside(plan.own) == []
    assert list(plan.home.iterdir()) == []
    left = [path for path in plan.temporary.rglob("*") if not path.name.startswith("torchinductor_")]
    assert left == []  # torch makes an empty folder of that name when it is imported
    return trace


def test_a_server_that_has_loaded_every_plugin_asks_nobody_and_writes_nowhere_else(
    plan: Plan, samples: Path
) -> None:
    log = plan.folder / "trace"
    stated = {
        "apart": bool(apart()),
        "server": traced([sys.executable, "-m", "govor", "serve", "--port", "0"], log),
        "requests": plan.requests,
        "recording": str(samples / "ru_short.wav"),
        "wyoming": plan.wyoming,
        "seconds": QUIET_SECONDS,
    }
    (plan.folder / "plan.json").write_text(json.dumps(stated))
    got = json.loads(run([sys.executable, str(HERE / "visit.py"), str(plan.folder / "plan.json")], plan))
    assert {name for name, status in got["asked"].items() if status not in (200, 202)} == set()
    assert got["home assistant"] == ("info" if plan.wyoming else "")
    ports = [0, plan.wyoming] if plan.wyoming else [0]
    trace = watched(log, plan, *(f"bind 127.0.0.1:{port}" for port in ports))
    assert any(path.name.startswith("jobs.db") for path in trace.written), "strace saw nothing"


def test_a_terminal_asks_nobody_and_writes_nowhere_else(plan: Plan, samples: Path) -> None:
    recording = str(samples / "ru_short.wav")
    for model in ("whisper-base", "own-gigaam-onnx"):
        log = plan.folder / f"trace-{model}"
        command = [sys.executable, "-c", LINGERING, "transcribe", "--model", model, recording]
        assert run(traced(command, log), plan).strip()
        watched(log, plan)


def test_onnxruntime_keeps_its_id_of_the_device_if_the_user_wants_it_to(plan: Plan, samples: Path) -> None:
    command = [sys.executable, "-m", "govor", "transcribe", "-m", "own-gigaam-onnx"]
    log = plan.folder / "trace"
    run(traced([*command, str(samples / "ru_short.wav")], log), plan, ORT_DISABLE_TELEMETRY="0")
    outside = read_trace(log).outside(plan.own)
    assert outside, "it does not write any more; or strace is blind"
    assert all(path.is_relative_to(plan.home / ".cache/Microsoft") for path in outside if path.suffix)
