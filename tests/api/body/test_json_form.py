"""A transcription request in JSON, with the recording in base64: OpenRouter's form."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.api.body.json_scanner import DEPTH, MARKS, JsonFault, Scanner, TooMuch
from support.sound import media

URL = "/v1/audio/transcriptions"
SOUND = bytes(range(256)) * 40


def ask(server: Any, content: bytes, path: str = URL, **more: Any) -> httpx.Response:
    body = {"input_audio": {"data": base64.b64encode(content).decode(), "format": "wav"}, **more}
    with server.client() as client:
        return client.post(path, json=body)


def scan(body: bytes, step: int = 1) -> tuple[bytes, Any]:
    """The recording and the rest, however the bytes arrive."""
    kept = io.BytesIO()
    scanner = Scanner(lambda: kept)
    for at in range(0, len(body), step):
        scanner.feed(body[at : at + step])
    scanner.close()
    return kept.getvalue(), json.loads(bytes(scanner.rest))


def test_a_recording_is_answered_like_one_in_a_form(
    server: Any, samples: Path, transcripts: dict[str, dict[str, str]]
) -> None:
    content = (samples / "ru_short.wav").read_bytes()
    answer = ask(server, content, model="whisper-base", language="ru", temperature=0, prompt=None)
    assert answer.json()["text"] == transcripts["ru_short.wav"]["whisper_base"]


def test_fields_keep_their_meaning(server: Any) -> None:
    fields = {"response_format": "verbose_json", "timestamp_granularities": ["word", "segment"], "vad": False}
    answer = ask(server, media.silence(1), model="echo", **fields)
    assert {"words", "segments", "duration"} <= set(answer.json())


@pytest.mark.parametrize("begin", ["", "data:audio/wav;base64,"])
def test_the_recording_may_be_the_file(server: Any, begin: str) -> None:
    body = {"file": begin + base64.b64encode(media.silence(1)).decode(), "model": "echo"}
    with server.client() as client:
        answer = client.post(URL, json={**body, "response_format": "verbose_json"})
    assert answer.json()["duration"] == 1
    assert "x-govor-ignored" not in answer.headers


@pytest.mark.parametrize("file", ["", None, {}, []])
def test_a_file_of_nothing_is_no_recording(server: Any, file: Any) -> None:
    with server.client() as client:
        answer = client.post(URL, json={"file": file, "model": "echo"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "missing_file")


def test_a_file_that_is_not_base64_is_named(server: Any) -> None:
    with server.client() as client:
        error = client.post(URL, json={"file": "C:/talk.wav", "model": "echo"}).json()["error"]
    assert error["param"] == "file"
    assert "'file' is not base64" in error["message"]


@pytest.mark.parametrize("path", ["/v1/audio/translations", "/v1/audio/detect", "/inference"])
def test_every_route_that_takes_a_form_takes_it(server: Any, path: str) -> None:
    assert ask(server, media.silence(1), path).status_code == 200


def test_the_stated_format_may_be_samples_without_a_header(server: Any) -> None:
    sound = {"data": base64.b64encode(bytes(64_000)).decode(), "format": "pcm16"}
    with server.client() as client:
        answer = client.post(
            URL, json={"input_audio": sound, "model": "echo", "response_format": "verbose_json"}
        )
    assert answer.json()["duration"] == 2


@pytest.mark.parametrize("step", [1, 3, 7, 4096, 1_000_000])
@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text,
        lambda text: text.replace("/", "\\/"),
        lambda text: text.replace("+", "\\u002B").replace("/", "\\u002f").replace("=", "\\u003d"),
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: "\\r\\n".join(text[at : at + 76] for at in range(0, len(text), 76)),
        lambda text: f"data:audio/wav;base64,{text}",
        lambda text: f"DATA:audio\\/wav;base64,{text}",
    ],
)
def test_base64_is_read_in_every_spelling_and_in_any_pieces(spell: Any, step: int) -> None:
    sound = SOUND[: 2_000 if step == 1 else None]
    text = spell(base64.b64encode(sound).decode())
    body = '{"prompt": "a \\"quoted\\" text {[", "input_audio" : {"format":"wav" , "data": "@"}, "n": 1}'
    heard, rest = scan(body.replace("@", text).encode(), step)
    assert heard == sound
    assert rest == {"prompt": 'a "quoted" text {[', "input_audio": {"format": "wav", "data": ""}, "n": 1}


@pytest.mark.parametrize(
    "body",
    [
        '{"data": "AAAA"}',
        '{"x": {"input_audio": {"data": "AAAA"}}}',
        '{"x": {"file": "AAAA"}}',
        '{"file": ["AAAA"]}',
        '{"input_audio": {"x": ["data", "AAAA"]}}',
    ],
)
def test_only_the_data_of_input_audio_is_the_recording(body: str) -> None:
    heard, rest = scan(body.encode())
    assert (heard, rest) == (b"", json.loads(body))


@pytest.mark.parametrize("data", ["AAA*", "AA=A", "AAA=AAAA", "A", "AAAA\\tA", "Привет"])
def test_what_is_not_base64_is_told(data: str) -> None:
    with pytest.raises(JsonFault, match=r"input_audio\.data"):
        scan(f'{{"input_audio": {{"data": "{data}"}}}}'.encode())


@pytest.mark.parametrize(
    "data", ["data:", "data:audio/wav;base64", f"data:{'x' * 300}", f"DATA:{'x' * 300},AAAA"]
)
@pytest.mark.parametrize("step", [1, 4096])
def test_a_data_url_without_its_comma_near_its_beginning_is_told(data: str, step: int) -> None:
    with pytest.raises(JsonFault, match="has no comma within 256 bytes"):
        scan(f'{{"input_audio": {{"data": "{data}"}}}}'.encode(), step)


@pytest.mark.parametrize(
    "body",
    [
        '{"input_audio": {"data": "AAAA", "data": "BBBB"}}',
        '{"input_audio": {"data": "AAAA"}, "input_audio": {"data": "BBBB"}}',
        '{"input_audio": {"data": "AAAA"}, "file": "BBBB"}',
        '{"file": "AAAA", "file": "BBBB"}',
    ],
)
def test_two_recordings_are_told(body: str) -> None:
    with pytest.raises(JsonFault, match=r"'input_audio\.data' (twice|and 'file')|'file' twice"):
        scan(body.encode())


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("[" * (DEPTH + 1), JsonFault),
        ("[" + "1," * MARKS, TooMuch),
        (f'{{"prompt": "{"x" * 1_000_001}"}}', TooMuch),
        ('{"prompt": "never closed', JsonFault),
    ],
)
def test_what_is_not_the_recording_is_bounded(body: str, fault: type[JsonFault]) -> None:
    with pytest.raises(fault):
        scan(body.encode(), 4096)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("", 400, "no body"),
        ("{", 400, "not JSON"),
        ("[]", 400, "not an object"),
        ('{"model": "echo"}', 400, "no recording"),
        ('{"input_audio": "UklG"}', 400, "no recording"),
        ('{"input_audio": {"data": "!"}}', 400, "not base64"),
        ('{"input_audio": {"data": ""}}', 400, "empty"),
        ('{"prompt": "%s"}' % ("x" * 1_100_000), 413, "more than 1 MB"),
        ('{"input_audio": {"data": "QUJD"}, "response_format": "best"}', 400, "'best' is unknown"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(server: Any, body: str, status: int, said: str) -> None:
    with server.client() as client:
        answer = client.post(URL, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"model": "\ud800"}, 404, "'?'"),
        ({"model": "echo", "response_format": "\udfff"}, 400, "'?'"),
        ({"model": "echo", "prompt": ["\ud800"], "\ud800": {"a": "\udc00"}}, 200, ""),
        ({"model": "echo", "prompt": "\ud83d\ude00"}, 200, ""),
    ],
)
def test_half_a_surrogate_is_a_question_mark(server: Any, fields: Any, status: int, said: str) -> None:
    sound = {"data": base64.b64encode(media.silence(1)).decode(), "format": "wav"}
    with server.client() as client:
        body = json.dumps({"input_audio": sound, **fields})
        answer = client.post(URL, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    if said:
        assert said in answer.json()["error"]["message"]


def test_half_a_surrogate_in_the_format_is_no_fault_of_the_server(server: Any) -> None:
    sound = {"data": base64.b64encode(media.silence(1)).decode(), "format": "\ud800"}
    with server.client() as client:
        body = json.dumps({"input_audio": sound, "model": "echo"})
        answer = client.post(URL, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200


def test_its_size_has_the_bound_of_other_uploads(serve: Any) -> None:
    small = serve(max_upload_mb=0.01, preload=())
    assert ask(small, media.silence(1), model="echo").status_code == 413


def test_nothing_of_it_stays_on_the_disk(serve: Any, tmp_path: Path) -> None:
    tidy = serve(spool_dir=tmp_path, preload=())
    assert ask(tidy, media.silence(1), model="echo").status_code == 200
    assert list(tmp_path.iterdir()) == []
