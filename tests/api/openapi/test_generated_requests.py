"""/openapi.json holds: schemathesis asks every route what is right and what is wrong, and reads the answers.

It looks for statuses, types and bodies that are not documented, for wrong input that is taken and right
input that is refused, for methods and keys that are not checked, and for errors of the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import Feature, ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of
from support.sound import media

HERE = Path(__file__).parent
INSTALLED = Path(sys.prefix) / "schemathesis"
KEY = "right"
SPEC = ModelSpec(
    "whisper-base", aliases=("whisper-1",), features=frozenset({Feature.WORDS, Feature.TRANSLATE})
)


@pytest.fixture(params=[(), (KEY,)], ids=["open", "keyed"])
def server(request: pytest.FixtureRequest, serve: Any, tmp_path: Path) -> Any:
    """A server with one fake model and folders of its own, that asks nobody else for anything."""
    return serve(
        plugins_of(Settings(), family=FakeBackend(SPEC)),
        models_dir=tmp_path / "models",
        default_models=(SPEC.id,),
        preload=(),
        offline=True,
        api_keys=request.param,
    )


def run_schemathesis(server: Any, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Test a server; the same every time."""
    if not INSTALLED.is_dir():
        pytest.skip(f"schemathesis is not installed in {INSTALLED}; `make test` does that")
    header = f"Authorization: Bearer {KEY}"
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color"]
    command += ["--config-file", str(HERE / "schemathesis.toml"), "run", f"{server.url}/openapi.json"]
    command += ["--generation-deterministic", "--continue-on-failure", "--request-timeout", "60"]
    command += ["--suppress-health-check", "filter_too_much,too_slow"]  # hooks.py leaves a good deal out
    return subprocess.run(
        [*command, "--header", header, *options],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{INSTALLED}{os.pathsep}{HERE}",
            "PYTHONIOENCODING": "utf-8",
            "JOB": finished_job(server),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def finished_job(server: Any) -> str:
    """Id of a job that is there."""
    with server.client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        sent = {"files": {"file": media.silence(1)}, "data": {"background": "true"}}
        answer = client.post("/v1/audio/transcriptions", **sent)
        return str(answer.raise_for_status().json()["id"])


def test_a_few_questions_to_every_route_are_answered_as_documented(server: Any, tmp_path: Path) -> None:
    ran = run_schemathesis(server, tmp_path, "--phases", "examples,fuzzing", "--max-examples", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_thousands_of_questions_are_answered_as_documented(server: Any, tmp_path: Path) -> None:
    ran = run_schemathesis(server, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", "30")
    assert ran.returncode == 0, ran.stdout + ran.stderr
