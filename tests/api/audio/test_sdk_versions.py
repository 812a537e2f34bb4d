"""One list of calls by every OpenAI SDK, each in an interpreter of its own: the same answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from support.clients.nodes import run_node
from support.sound import media

HERE = Path(__file__).parent
NEWEST = openai.__version__.partition(".")[0]
SECONDS = 240
ECHO = "2.7 seconds."


@pytest.fixture
def arguments(server: Any, serve_family: Any, samples: Path, tmp_path: Path) -> list[str]:
    """Arguments of the scripts: a server, two recordings, and a server with a key and a model to delete."""
    silent = tmp_path / "silent.wav"
    silent.write_bytes(media.silence(2))
    guarded = serve_family(api_keys=("right",))
    with guarded.client(headers={"Authorization": "Bearer right"}) as client:
        client.post("/v1/models", json={"model": "away"}).raise_for_status()
    return [f"{server.url}/v1", str(samples / "ru_short.wav"), str(silent), f"{guarded.url}/v1"]


def run_python(major: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the list by a major version of the SDK for Python."""
    environment = dict(os.environ)
    if major != NEWEST:
        installed = Path(sys.prefix) / f"openai-{major}"
        if not installed.is_dir():
            pytest.skip(f"openai {major}.x is not installed in {installed}; `make test` does that")
        environment["PYTHONPATH"] = str(installed)
    return subprocess.run(
        [sys.executable, str(HERE / "calls.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("sdk", ["python-1", "python-2", f"python-{NEWEST}", "node-6"])
def test_every_sdk_reads_every_answer(
    sdk: str, arguments: list[str], transcripts: Any, tmp_path: Path
) -> None:
    language, _, major = sdk.partition("-")
    if language == "node":
        (folder := tmp_path / "node").mkdir()
        ran = run_node(HERE / "calls.mjs", *arguments, folder=folder)
    else:
        ran = run_python(major, arguments)
    assert ran.returncode == 0, ran.stderr
    out = json.loads(ran.stdout)
    expected = transcripts["ru_short.wav"]["whisper_base"]
    assert out["version"].startswith(f"{major}.")
    formats = out["formats"]
    assert formats["json"] == formats["verbose_json"] == formats["text"].strip() == ECHO
    assert formats["srt"].startswith("1\n00:00:00,")
    assert formats["vtt"].startswith("WEBVTT")
    assert ECHO in formats["srt"]
    assert ECHO in formats["vtt"]
    assert " ".join(out["words"]) == " ".join(out["segments"]) == expected
    assert out["text"] == out["deltas"] == out["done"] == expected
    assert out["async"] == ECHO
    assert out["silent"] == ""
    assert out["translated"].isascii()
    assert {"whisper-base", "echo"} <= set(out["models"])
    assert out["retrieved"] == "whisper-base"
    assert out["unknown model"] == ["NotFoundError", 404, "model_not_found"]
    assert out["not audio"] == ["BadRequestError", 400, "invalid_audio"]
    assert out["wrong key"] == ["AuthenticationError", 401, "invalid_api_key"]
    assert out["deleted"] == ["away", True]
    assert out["deleted again"] == ["NotFoundError", 404, "model_not_found"]
