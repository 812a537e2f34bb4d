"""The command `govor` as a user runs it: in its own process, folder and environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.processes.terminal import run_on_terminal
from support.processes.warm_start import run_govor

GOVOR = (sys.executable, "-m", "govor")
PATIENCE_SECONDS = 60

STUCK = """
import os
import threading
import govor

class Stuck:
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        os.write(1, b"begun\\n")  # prints go to standard error
        threading.Event().wait()

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("stuck")]

    def load(self, spec, folder, runtime):
        return Stuck()

@govor.hookimpl
def backend(settings):
    return Family()
"""


@dataclass
class Shell:
    """Where commands run: a folder of their own, with nothing of this machine's settings."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Path:
        """A folder whose packages count as installed."""
        return self.folder / "site"

    def run(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `govor` to its end."""
        return run_govor(args, env={**self.env, **env}, folder=self.folder, seconds=PATIENCE_SECONDS)

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start `python -m govor`, whose three streams are pipes."""
        pipe = subprocess.PIPE
        command = [*GOVOR, *args]
        return subprocess.Popen(
            command, cwd=self.folder, env={**self.env, **env}, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def show(self, *args: str, **env: str) -> tuple[int, str]:
        """Run `python -m govor` on a terminal; return exit code and what it showed."""
        return run_on_terminal([*GOVOR, *args], env={**self.env, **env}, cwd=self.folder)


def shell_in(folder: Path, models_dir: Path) -> Shell:
    """Make a shell whose home, caches and current folder are `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    env = {
        **kept,
        "HOME": str(folder),
        "PYTHONPATH": str(folder / "site"),
        "GOVOR_MODELS_DIR": str(models_dir),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    return Shell(folder, env)


@pytest.fixture
def shell(tmp_path: Path, models_dir: Path) -> Shell:
    """A shell for one test."""
    return shell_in(tmp_path, models_dir)


@pytest.fixture(scope="module")
def shared_shell(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Shell:
    """A shell for tests that only look at what one command printed."""
    return shell_in(tmp_path_factory.mktemp("shell"), models_dir)


@pytest.fixture
def started(shell: Shell) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `govor`; what still runs when the test ends is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*args: str, **env: str) -> subprocess.Popen[str]:
        running.append(shell.start(*args, **env))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()


@pytest.fixture
def recordings(shell: Shell, samples: Path) -> Path:
    """The shell's folder with two recordings, and a text that calls itself one."""
    for name in ("ru.wav", "en.wav"):
        shutil.copy(samples / name, shell.folder / name)
    (shell.folder / "broken.mp3").write_text("hello " * 1000)
    return shell.folder


@pytest.fixture
def stuck() -> str:
    """A plugin whose model `stuck` says that it has begun, and never ends."""
    return STUCK
