"""Older OpenAI SDKs, each in an interpreter of its own: the same calls, the same answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import asyncio, json, sys
import openai
base, path = sys.argv[1:]
client = openai.OpenAI(base_url=base, api_key="none", max_retries=0)
create = client.audio.transcriptions.create
out = {"version": openai.__version__, "formats": {}}
for name in ("json", "text", "srt", "vtt", "verbose_json"):
    with open(path, "rb") as file:
        answer = create(model="whisper-1", file=file, response_format=name)
    out["formats"][name] = answer if isinstance(answer, str) else answer.text
with open(path, "rb") as file:
    events = list(create(model="whisper-1", file=file, stream=True))
out["deltas"] = "".join(event.delta for event in events if event.type == "transcript.text.delta")
out["done"] = events[-1].text
async def ask():
    async with openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0) as client:
        with open(path, "rb") as file:
            return (await client.audio.transcriptions.create(model="whisper-1", file=file)).text
out["async"] = asyncio.run(ask())
try:
    with open(path, "rb") as file:
        create(model="nonsense", file=file)
except openai.NotFoundError as error:
    out["missing"] = error.code
print(json.dumps(out))
"""


@pytest.mark.parametrize("major", ["1", "2"])
def test_an_older_sdk_reads_every_answer(
    major: str, server: Any, samples: Path, transcripts: Any, root: Path
) -> None:
    installed = Path(sys.prefix) / f"openai-{major}"
    if not installed.is_dir():
        pytest.skip(f"openai {major}.x is not installed in {installed}; `make test` does that")
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    script = [sys.executable, "-c", SCRIPT, f"{server.url}/v1", str(samples / "ru_short.wav")]
    run = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    out = json.loads(run.stdout)
    expected = transcripts["ru_short.wav"]["whisper_base"]
    assert out["version"].startswith(f"{major}.")
    assert out["formats"]["json"] == out["formats"]["verbose_json"] == expected
    assert out["formats"]["text"].strip() == expected
    assert expected in out["formats"]["srt"]
    assert expected in out["formats"]["vtt"]
    assert out["deltas"] == out["done"] == out["async"] == expected
    assert out["missing"] == "model_not_found"
