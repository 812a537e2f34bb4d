"""Any invalid input gets a clear error with four keys, and the server goes on."""

from __future__ import annotations

import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from support.processes.servers import form
from support.sound import media

URL = "/v1/audio/transcriptions"


@pytest.fixture
def client(server: Any) -> Iterator[httpx.Client]:
    """A client whose server must still be healthy when the test ends."""
    with server.client() as client:
        yield client
        assert client.get("/health").json()["status"] == "ok"


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The error's four keys, after checking that they are just those."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return dict(error)


def send(client: httpx.Client, content: bytes, name: str = "audio.mp3", **fields: Any) -> httpx.Response:
    return client.post(URL, files={"file": (name, content)}, data={"model": "echo", **fields})


def test_an_empty_body_is_refused(client: httpx.Client) -> None:
    assert error_of(client.post(URL), 400)["code"] == "empty_body"


def test_a_form_without_a_file_part_is_refused(client: httpx.Client) -> None:
    response = client.post(URL, files={"other": ("a.wav", b"x")}, data={"model": "echo"})
    error = error_of(response, 400)
    assert (error["code"], error["param"]) == ("missing_file", "file")


def test_a_file_without_a_name_is_explained(client: httpx.Client) -> None:
    response = client.post(URL, files={"file": (None, media.silence(0.1))})
    assert "it has no file name" in error_of(response, 400)["message"]


@pytest.mark.parametrize(
    ("path", "name"),
    [(URL, "file"), ("/asr", "audio_file"), ("/v1/transcribe", "file"), ("/inference", "file")],
)
def test_a_path_in_place_of_a_file_is_told_how_curl_sends_one(
    client: httpx.Client, path: str, name: str
) -> None:
    answer = client.post(path, files={name: (None, "tests/data/ru_short.wav")})
    assert answer.status_code == 400
    assert f"The part '{name}' holds no recording" in answer.text
    assert f"-F {name}=@PATH" in answer.text


@pytest.mark.parametrize("begin", ["", "data:audio/wav;base64,"])
def test_a_recording_in_base64_is_told_where_base64_belongs(client: httpx.Client, begin: str) -> None:
    text = begin + base64.b64encode(media.silence(0.1)).decode()
    answer = client.post(URL, files={"file": (None, text)})
    assert "as 'file' of a JSON object" in error_of(answer, 400)["message"]


def unchosen(*further: bytes) -> dict[str, Any]:
    """A form as a page sends it where no file was chosen."""
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
    parts = [head + b"Content-Type: application/octet-stream\r\n\r\n\r\n", *further, b"--edge--\r\n"]
    return {"content": b"".join(parts), "headers": {"content-type": "multipart/form-data; boundary=edge"}}


@pytest.mark.parametrize("path", [URL, "/v1/transcribe", "/inference"])
def test_a_page_where_no_file_was_chosen_is_told_so(client: httpx.Client, path: str) -> None:
    answer = client.post(path, **unchosen())
    assert answer.status_code == 400
    assert "No file was chosen: the part 'file' is empty and has no file name." in answer.text


def test_an_empty_field_for_the_file_is_no_chosen_file(client: httpx.Client) -> None:
    error = error_of(client.post(URL, files={"file": (None, "")}), 400)
    assert (error["code"], error["message"]) == (
        "missing_file",
        "No file was chosen: the part 'file' is empty.",
    )


def test_a_file_that_was_not_chosen_does_not_stand_in_the_way_of_one_that_was(client: httpx.Client) -> None:
    chosen = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    model = b'--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\necho\r\n'
    answer = client.post(URL, **unchosen(chosen + media.silence(1) + b"\r\n", model))
    assert answer.status_code == 200, answer.text


def test_a_file_of_zero_bytes_is_refused(client: httpx.Client) -> None:
    error = error_of(send(client, b""), 400)
    assert error["code"] == "invalid_audio"
    assert "empty" in error["message"]


def test_garbage_with_an_audio_name_is_refused(client: httpx.Client) -> None:
    assert error_of(send(client, os.urandom(50_000)), 400)["code"] == "invalid_audio"


def test_a_text_file_is_refused(client: httpx.Client) -> None:
    assert error_of(send(client, b"hello world\n" * 1000, "notes.txt"), 400)["code"] == "invalid_audio"


def test_a_playlist_cannot_make_the_server_read_its_own_files(client: httpx.Client, samples: Path) -> None:
    playlist = f"ffconcat version 1.0\nfile {samples / 'ru.wav'}\n".encode()
    assert error_of(send(client, playlist), 400)["code"] == "invalid_audio"


def test_a_wav_without_frames_is_refused(client: httpx.Client) -> None:
    assert error_of(send(client, media.silence(0)), 400)["code"] == "invalid_audio"


def test_a_video_without_sound_is_refused(client: httpx.Client) -> None:
    mute = media.encode([], 44_100, "mp4", "aac", picture=True)
    assert "no audio track" in error_of(send(client, mute), 400)["message"]


def test_an_mp3_cut_in_the_middle_is_transcribed_as_far_as_it_goes(
    client: httpx.Client, samples: Path
) -> None:
    whole = media.encode([media.read_wav(samples / "en.wav")[0]], 44_100, "mp3", "libmp3lame")
    response = send(client, whole[: len(whole) // 2 + 37], response_format="verbose_json")
    assert response.status_code == 200
    assert 4 < response.json()["duration"] < 8


def test_another_content_type_is_unsupported(client: httpx.Client) -> None:
    response = client.post(URL, content=b"RIFF", headers={"content-type": "audio/wav"})
    assert error_of(response, 415)["code"] == "unsupported_media_type"


def test_a_form_that_cannot_hold_a_file_says_which_can(client: httpx.Client) -> None:
    error = error_of(client.post(URL, data={"model": "whisper-1"}), 400)
    assert (error["code"], error["param"]) == ("missing_file", "file")
    assert "multipart/form-data" in error["message"]


def test_a_body_of_no_stated_type_is_unsupported(client: httpx.Client) -> None:
    error = error_of(client.post(URL, content=media.silence(1)), 415)
    assert (error["code"], "'none'" in error["message"]) == ("unsupported_media_type", True)


@pytest.mark.parametrize("path", [URL, "/asr", "/v1/transcribe", "/vad", "/v1/models"])
@pytest.mark.parametrize("coding", ["gzip", "identity, br"])
def test_a_compressed_body_is_named_and_not_taken_for_a_broken_form(
    client: httpx.Client, path: str, coding: str
) -> None:
    headers = {"content-encoding": coding, "content-type": "multipart/form-data; boundary=x"}
    answer = client.post(path, content=gzip.compress(b"--x--"), headers=headers)
    assert answer.status_code == 415
    assert "The body is compressed (Content-Encoding:" in answer.text


def test_a_coding_that_changes_nothing_is_passed_over(client: httpx.Client) -> None:
    kind, body = form(media.silence(1), {"model": "echo"})
    headers = {"content-type": kind, "content-encoding": "identity"}
    assert client.post(URL, content=body, headers=headers).status_code == 200


def test_a_multipart_without_boundary_is_explained(client: httpx.Client) -> None:
    response = client.post(URL, content=b"x", headers={"content-type": "multipart/form-data"})
    assert "boundary" in error_of(response, 400)["message"]


@pytest.mark.parametrize("value", ["1.5", "-0.1", "warm"])
def test_a_bad_temperature_is_refused(client: httpx.Client, value: str) -> None:
    assert error_of(send(client, media.silence(1), temperature=value), 400)["param"] == "temperature"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", "pdf"),
        ("stream", "maybe"),
        ("language", "klingon"),
        ("timestamp_granularities[]", "sentence"),
        ("include[]", "everything"),
        ("chunking_strategy", "blocks"),
        ("chunking_strategy", '{"type": "server_vad", "threshold": 7}'),
        ("chunking_strategy", '{"type": "server_vad", "unknown": 1}'),
        ("chunking_strategy", "{broken"),
        ("chunking_strategy", '{"a":' * 100_000),
        ("languages", "[" * 100_000),
        ("chunking_strategy[threshold]", "0.4"),
    ],
)
def test_a_bad_field_is_named(client: httpx.Client, field: str, value: str) -> None:
    error = error_of(send(client, media.silence(1), **{field: value}), 400)
    assert error["param"] == field.partition("[")[0]
    assert error["type"] == "invalid_request_error"


def test_logprobs_with_another_format_than_json_are_refused(client: httpx.Client) -> None:
    response = send(client, media.silence(1), **{"include[]": "logprobs", "response_format": "srt"})
    assert error_of(response, 400)["param"] == "include"


def test_a_translation_by_a_model_that_cannot_is_refused(client: httpx.Client) -> None:
    response = client.post(
        "/v1/audio/translations", files={"file": ("a.wav", media.silence(1))}, data={"model": "echo"}
    )
    assert error_of(response, 400)["code"] == "unsupported_operation"


def test_an_unknown_path_and_a_wrong_method_answer_in_json(client: httpx.Client) -> None:
    assert error_of(client.get("/v1/nothing"), 404)["code"] == "not_found"
    wrong = client.get(URL)
    assert error_of(wrong, 405)["code"] == "method_not_allowed"
    assert error_of(wrong, 405)["message"] == f"{URL} takes POST, not GET."
    assert "POST" in wrong.headers["allow"]


@pytest.mark.parametrize("model", ["echo", "whisper-base"])
def test_silence_is_an_empty_text(client: httpx.Client, model: str) -> None:
    response = send(client, media.silence(5), model=model)
    assert response.status_code == 200
    assert response.json()["text"] == ""


def test_noise_is_an_empty_text(client: httpx.Client) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, 80_000).astype(np.float32)
    response = send(client, media.wav(noise), model="whisper-base")
    assert response.json()["text"] == ""


def test_a_recording_over_the_longest_is_refused(serve: Any) -> None:
    server = serve(max_audio_seconds=2, preload=())
    response = server.post(media.silence(3), model="echo")
    assert error_of(response, 400)["code"] == "audio_too_long"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": "x" * 1_000_001}, "1 MB"),
        ({"one": "x" * 600_000, "two": "y" * 600_000}, "1 MB"),
        ({"known_speaker_references[]": ["x" * 4_000_000] * 4}, "12 MB"),
        ({"keywords[]": ["x"] * 1001}, "1000 fields"),
    ],
)
def test_a_form_of_too_much_text_says_what_is_too_much(client: httpx.Client, fields: Any, said: str) -> None:
    assert said in error_of(send(client, media.silence(1), **fields), 413)["message"]


def test_a_part_without_a_name_is_passed_over(client: httpx.Client) -> None:
    nameless = b"--edge\r\nContent-Disposition: form-data\r\n\r\nlost\r\n"
    file = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    model = b'\r\n--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\necho\r\n--edge--\r\n'
    response = client.post(
        "/v1/audio/transcriptions",
        content=nameless + file + media.silence(1) + model,
        headers={"Content-Type": "multipart/form-data; boundary=edge"},
    )
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("path", ["/vad", URL])
def test_json_that_is_nested_too_deeply_is_called_so(client: httpx.Client, path: str) -> None:
    body = '{"audio": [], "prompt": ' + "[" * 20_000 + "]" * 20_000 + "}"
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    message = error_of(response, 400)["message"]
    assert "nested" in message
    assert "recursion" not in message
