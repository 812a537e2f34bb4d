"""gigaam-openai-api-server's document, request by request, with its ids and its settings."""

from __future__ import annotations

import threading
import zlib
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, plugins_of
from miniature.heldout import HeldOut
from support.processes.servers import Server
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
SEGMENT_KEYS = ["id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob"]
SEGMENT_KEYS += ["compression_ratio", "no_speech_prob"]


def ask(client: httpx.Client, content: bytes, **fields: Any) -> httpx.Response:
    return client.post(URL, files={"file": ("audio.ogg", content)}, data={"model": "v3_ctc", **fields})


@pytest.mark.parametrize("model", ["v3_ctc", "v3_rnnt"])
def test_its_ids_are_taken(client: httpx.Client, recorded: bytes, spoken: HeldOut, model: str) -> None:
    answer = ask(client, recorded, model=model)
    assert answer.json()["text"] == spoken.plain
    assert answer.headers["x-govor-model"] == f"mini-{model}"


def test_its_e2e_model_writes_marks(client: httpx.Client, recorded: bytes, spoken: HeldOut) -> None:
    text = ask(client, recorded, model="v3_e2e_ctc").json()["text"]
    assert text[0].isupper()
    assert text[-1] in ".?!"


@pytest.mark.parametrize("alias", ["v3_ctc", "v3_rnnt", "v3_e2e_ctc", "v3_e2e_rnnt", "v2_ctc", "v2_rnnt"])
def test_the_ids_mean_the_published_models(server: Server, alias: str) -> None:
    model = server.service.router.find(alias)
    assert model is not None
    assert model.id == "gigaam-" + alias.replace("_", "-")


def test_text_is_plain(client: httpx.Client, recorded: bytes, spoken: HeldOut) -> None:
    answer = ask(client, recorded, response_format="text")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.strip() == spoken.plain


def test_verbose_json_has_segments_and_words(client: httpx.Client, recorded: bytes, spoken: HeldOut) -> None:
    both = {"timestamp_granularities[]": ["segment", "word"]}
    body = ask(client, recorded, response_format="verbose_json", **both).json()
    assert body["language"] == "russian"
    (segment,) = body["segments"]
    assert list(segment) == SEGMENT_KEYS
    assert (segment["seek"], segment["temperature"], segment["no_speech_prob"]) == (0, 0.0, 0.0)
    data = segment["text"].encode()
    assert segment["compression_ratio"] == round(len(data) / len(zlib.compress(data)), 3)
    assert [word["word"] for word in body["words"]] == spoken.plain.split()


def test_granularities_say_what_is_there(client: httpx.Client, recorded: bytes) -> None:
    default = ask(client, recorded, response_format="verbose_json").json()
    segments = ask(client, recorded, response_format="verbose_json", timestamp_granularities="segment").json()
    words = ask(client, recorded, response_format="verbose_json", timestamp_granularities="word").json()
    assert "words" not in default
    assert "words" not in segments
    assert "words" in words
    assert "segments" not in words, "a client that takes segments where there are any would not see the words"


def test_segments_are_there_unasked_where_the_operator_wants_it_so(serve: Any, samples: Path) -> None:
    server = serve(compat={"always_segments": True}, preload=())
    body = server.post(
        samples / "ru_short.wav", response_format="verbose_json", timestamp_granularities="word"
    )
    assert "segments" in body.json()


@pytest.mark.parametrize(("name", "kind"), [("srt", "text/plain"), ("vtt", "text/vtt")])
def test_subtitles_have_its_media_types(client: httpx.Client, recorded: bytes, name: str, kind: str) -> None:
    assert ask(client, recorded, response_format=name).headers["content-type"].startswith(kind)


def test_ignored_fields_are_taken_and_named(client: httpx.Client, recorded: bytes, spoken: HeldOut) -> None:
    answer = ask(client, recorded, language="ru", prompt="журнал", temperature="0.5")
    assert answer.json()["text"] == spoken.plain
    assert answer.headers["x-stt-ignored"] == "prompt, temperature"


def test_the_sdk_gets_the_text_whole_and_streamed(gigaam: Server, recorded: bytes, spoken: HeldOut) -> None:
    with openai.OpenAI(base_url=f"{gigaam.url}/v1", api_key="your-key") as sdk:
        create, file = sdk.audio.transcriptions.create, ("audio.ogg", recorded)
        assert create(file=file, model="v3_ctc").text == spoken.plain
        told = list(create(file=file, model="v3_ctc", stream=True))
    assert "".join(event.delta for event in told if event.type == "transcript.text.delta") == spoken.plain
    assert told[-1].type == "transcript.text.done"
    assert told[-1].text == spoken.plain


@pytest.mark.parametrize("response_format", ["json", "text"])
def test_a_stream_has_its_headers_and_ends_with_done(
    client: httpx.Client, recorded: bytes, events: Any, response_format: str
) -> None:
    answer = ask(client, recorded, stream="true", response_format=response_format)
    assert answer.headers["cache-control"] == "no-cache, no-store"
    told = events(answer)
    assert [event.json()["type"] for event in told[:-1]] == ["transcript.text.delta", "transcript.text.done"]
    assert (told[-1].name, told[-1].data) == ("", "[DONE]")


def test_done_can_be_left_out(serve: Any, samples: Path) -> None:
    server = serve(compat={"sse_done": False}, preload=())
    told = server.post(samples / "ru_short.wav", model="echo", stream="true").text
    assert "transcript.text.done" in told
    assert "[DONE]" not in told


def test_a_stream_of_subtitles_is_answered_whole(client: httpx.Client, recorded: bytes) -> None:
    assert ask(client, recorded, stream="true", response_format="srt").text.startswith("1\n00:00:00,")


def test_models_are_its_list_where_aliases_are_listed(serve: Any) -> None:
    server = serve(aliases={"v3_ctc": "echo", "v3_rnnt": "echo"}, compat={"list_aliases": True}, preload=())
    with server.client() as client:
        listed = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert {"v3_ctc", "v3_rnnt", "echo"} <= set(listed)
    assert (listed["v3_ctc"]["object"], type(listed["v3_ctc"]["owned_by"])) == ("model", str)


def test_aliases_are_not_listed_otherwise(client: httpx.Client) -> None:
    assert "v3_ctc" not in {model["id"] for model in client.get("/v1/models").json()["data"]}


def test_health_has_its_four_keys_and_asks_for_no_key(serve: Any) -> None:
    with serve(api_keys=("secret",), default_models=("echo",)).client() as client:
        body = client.get("/health").json()
        assert client.get("/v1/models").status_code == 401
    assert (body["status"], body["model"]) == ("ok", "echo")
    assert isinstance(body["device"], str)
    assert isinstance(body["loaded"], bool)


def four_keys(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return dict(error)


def test_a_broken_file_is_400(client: httpx.Client) -> None:
    assert four_keys(ask(client, b"no audio" * 100), 400)["code"] == "invalid_audio"


def test_max_audio_seconds_is_400(serve: Any) -> None:
    server = serve(max_audio_seconds=2, preload=())
    assert four_keys(server.post(media.silence(3), model="echo"), 400)["code"] == "audio_too_long"


def test_a_wrong_key_is_401(serve: Any) -> None:
    with serve(api_keys=("secret",), preload=()).client(headers={"authorization": "Bearer wrong"}) as client:
        error = four_keys(client.get("/v1/models"), 401)
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")


def test_max_upload_mb_is_413(serve: Any) -> None:
    assert four_keys(serve(max_upload_mb=0.05, preload=()).post(media.silence(3)), 413)


def test_max_queue_is_503(serve: Any, samples: Path) -> None:
    gate = threading.Event()
    family = FakeBackend("v3_ctc", recognizer=lambda spec: FakeRecognizer(spec, gate=gate))
    plugins = plugins_of(Settings(), family=family, ear=FakeDetector())
    server = serve(plugins, max_queue=1, default_models=("v3_ctc",), preload=())
    first = threading.Thread(target=lambda: server.post(samples / "ru_short.wav"))
    first.start()
    assert eventually(lambda: server.service.admission.inside == 1)
    error = four_keys(server.post(samples / "ru_short.wav"), 503)
    gate.set()
    first.join()
    assert (error["code"], error["type"]) == ("server_busy", "server_error")


@pytest.mark.parametrize(("unknown_model", "status"), [("404", 404), (400, 400), ("default", 200)])
def test_the_answer_for_options_that_are_not_allowed_is_a_setting(
    serve: Any, samples: Path, unknown_model: Any, status: int
) -> None:
    server = serve(default_models=("echo",), compat={"unknown_model": unknown_model}, preload=())
    answer = server.post(samples / "ru_short.wav", model="v9_ctc")
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["x-govor-model"] == "echo"
    else:
        assert four_keys(answer, status)["param"] == "model"
        assert "whisper-base" in answer.json()["error"]["message"]


def test_the_default_response_format_is_a_setting(serve: Any, samples: Path) -> None:
    server = serve(default_models=("echo",), compat={"default_response_format": "text"}, preload=())
    assert server.post(samples / "ru_short.wav").text == "2.7 seconds.\n"
    assert server.post(samples / "ru_short.wav", response_format="json").json()["text"] == "2.7 seconds."
