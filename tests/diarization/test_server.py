"""The diarizer and Whisper together in a real server, through OpenAI's own client."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai.types.audio as types
import pytest
from openai import OpenAI

pytest.importorskip("govor_diarizer", reason="govor-diarizer is not installed")

from diarization.material import SAMPLE, read_member, read_wav
from diarization.networks import install_networks
from support.processes.servers import Server
from support.sound import media


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds of a telephone call of two people."""
    path = tmp_path_factory.mktemp("sample") / "call.wav"
    try:
        path.write_bytes(read_member(SAMPLE))
    except FileNotFoundError:
        pytest.skip("the sample is not here; `make test` downloads it")
    return path


@pytest.fixture(scope="module")
def server(serve_remembering: Any, models_dir: Path, call: Path) -> Iterator[Server]:
    try:
        install_networks(models_dir)
    except FileNotFoundError:
        pytest.skip("the networks are not here; `make test` downloads them")
    aliases = {"gpt-4o-transcribe-diarize": "default"}
    with serve_remembering(aliases=aliases, preload=()) as running:
        yield running


@pytest.fixture
def sdk(server: Any) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def ask(sdk: OpenAI, call: Path, **fields: Any) -> Any:
    return sdk.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=call,
        response_format="diarized_json",
        chunking_strategy="auto",
        **fields,
    )


def test_diarized_json_parses_into_the_sdks_types(sdk: OpenAI, call: Path) -> None:
    answer = ask(sdk, call)
    assert isinstance(answer, types.TranscriptionDiarized)
    assert answer.task == "transcribe"
    assert answer.duration == pytest.approx(30.0)
    assert answer.usage is not None
    assert {segment.speaker for segment in answer.segments} == {"A", "B"}
    assert all(isinstance(segment, types.TranscriptionDiarizedSegment) for segment in answer.segments)
    assert " ".join(segment.text for segment in answer.segments) == answer.text
    jersey, chicago = [
        next(part.speaker for part in answer.segments if word in part.text) for word in ("Diane", "Yankee")
    ]
    assert (jersey, chicago) == ("A", "B")


def test_a_stream_parses_into_the_sdks_events(sdk: OpenAI, call: Path) -> None:
    events = list(ask(sdk, call, stream=True))
    *segments, done = events
    assert all(isinstance(event, types.TranscriptionTextSegmentEvent) for event in segments)
    assert isinstance(done, types.TranscriptionTextDoneEvent)
    assert {event.speaker for event in segments} == {"A", "B"}
    assert " ".join(event.text for event in segments) == done.text


def test_a_known_speaker_is_named_and_the_other_is_not(sdk: OpenAI, call: Path) -> None:
    voice = read_wav(call.read_bytes())[round(22.0 * 16_000) : round(27.5 * 16_000)]
    url = f"data:audio/wav;base64,{base64.b64encode(media.wav(voice)).decode()}"
    answer = ask(sdk, call, known_speaker_names=["Sheila"], known_speaker_references=[url])
    assert {segment.speaker for segment in answer.segments} == {"Sheila", "A"}
    assert next(part.speaker for part in answer.segments if "Yankee" in part.text) == "Sheila"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
def test_the_page_names_a_known_speaker_as_it_is_printed(
    server: Any, call: Path, root: Path, tmp_path: Path
) -> None:
    page = (root / "docs/guides/diarization.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^```bash\n([^`]*sheila\.wav[^`]*)```", page, re.MULTILINE)
    (tmp_path / "call.wav").write_bytes(call.read_bytes())
    voice = read_wav(call.read_bytes())[round(22.0 * 16_000) : round(27.5 * 16_000)]
    (tmp_path / "sheila.wav").write_bytes(media.wav(voice))
    code = command.replace("http://127.0.0.1:8000", server.url)
    ran = subprocess.run(["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {part["speaker"] for part in json.loads(ran.stdout)["segments"]} == {"Sheila", "A"}


def test_turns_are_found_without_a_speech_model(server: Any, call: Path) -> None:
    with server.client() as client:
        answer = client.post(
            "/v1/audio/diarization",
            files={"file": ("call.wav", call.read_bytes())},
            data={"response_format": "rttm"},
        )
    lines = [line.split() for line in answer.text.splitlines()]
    assert {line[1] for line in lines} == {"call"}
    assert {line[7] for line in lines} == {"SPEAKER_00", "SPEAKER_01"}


@pytest.mark.parametrize(("fields", "found"), [({"num_speakers": "1"}, 1), ({"min_speakers": "3"}, 3)])
def test_as_many_speakers_are_found_as_are_asked_for(
    server: Any, call: Path, fields: dict[str, str], found: int
) -> None:
    with server.client() as client:
        sent = {"files": {"file": ("call.wav", call.read_bytes())}, "data": fields}
        answer = client.post("/v1/audio/diarization", **sent)
    assert "x-govor-ignored" not in answer.headers
    assert answer.json()["num_speakers"] == found
