"""Servers in a process of their own do not outlive the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WAITS = """
import signal
from support.processes.server_processes import process_of

def test_that_never_ends(tmp_path):
    with process_of(models_dir=tmp_path, default_models="echo") as server:
        print("server", server.pid, flush=True)
        signal.pause()
"""


def test_a_server_ends_with_a_run_of_tests_that_is_terminated(tmp_path: Path) -> None:
    (tmp_path / "test_waits.py").write_text(WAITS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-s",
        "-p",
        "conftest",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
    ]
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=tmp_path) as run:
        assert run.stdout is not None
        told = next(line for line in run.stdout if "server " in line)
        server = Path("/proc", told.split()[-1])
        assert server.exists()
        run.terminate()
        rest = run.communicate(timeout=90)[0]
    assert "KeyboardInterrupt" in rest
    assert not server.exists()
