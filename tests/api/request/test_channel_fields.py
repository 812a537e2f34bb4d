"""channels=separate over HTTP: one party per channel, in every format and on every route that has them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.settings import Settings
from govor.testing import (
    FakeBackend,
    FakeDetector,
    FakeDiarizer,
    FakeRecognizer,
    hum,
    plugins_of,
    silence,
)
from support.processes.servers import Server
from support.sound import media
from support.waiting import Turnstile, eventually

SPEC = ModelSpec("fake", features=frozenset({Feature.WORDS}))


def stereo(*rows: np.ndarray) -> bytes:
    channels = np.zeros((len(rows), max(map(len, rows))), np.float32)
    for channel, row in zip(channels, rows, strict=True):
        channel[: len(row)] = row
    return media.channels_wav(channels)


CALL = stereo(
    np.concatenate([hum(2), silence(4), hum(1)]), np.concatenate([silence(1), hum(3), silence(3.5)])
)
"""The left one speaks from 0 to 2 and from 6 to 7, the right one from 1 to 4."""
SAID = [("left", "2.2 seconds"), ("right", "3.4 seconds"), ("left", "1.7 seconds")]
MONO = media.wav(hum(1.0))


@pytest.fixture
def start(serve: Any) -> Any:
    def with_settings(
        diarizer: FakeDiarizer | None = None, recognizer: Any = FakeRecognizer, **settings: Any
    ) -> Server:
        plugins: dict[str, object] = {
            "fake": FakeBackend(SPEC, recognizer=recognizer),
            "vad": FakeDetector(),
        }
        if diarizer is not None:
            plugins["voices"] = diarizer
        settings = {"default_models": ["fake"], "preload": (), **settings}
        return serve(plugins_of(Settings(**settings), **plugins), **settings)

    return with_settings


@pytest.fixture
def server(start: Any) -> Server:
    return start()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as opened:
        yield opened


def said(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(part["speaker"], part["text"]) for part in body["segments"]]


def refusal(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 400, response.text
    return response.json()["error"]


@pytest.mark.parametrize("response_format", ["verbose_json", "diarized_json"])
def test_every_channel_is_a_party_with_a_name(server: Server, response_format: str) -> None:
    body = server.post(CALL, channels="separate", response_format=response_format).json()
    assert said(body) == SAID
    starts = [part["start"] for part in body["segments"]]
    assert starts == sorted(starts)
    assert body["duration"] == pytest.approx(7.5)
    assert "speaker" not in server.post(CALL, response_format="verbose_json").json()["segments"][0]


@pytest.mark.parametrize(
    ("response_format", "told"),
    [
        ("json", '"text":"2.2 seconds 3.4 seconds 1.7 seconds"'),
        ("text", "left: 2.2 seconds\nright: 3.4 seconds\nleft: 1.7 seconds\n"),
        ("txt", "left: 2.2 seconds\n\nright: 3.4 seconds\n\nleft: 1.7 seconds\n"),
        ("srt", "right: 3.4 seconds"),
        ("vtt", "<v right>3.4 seconds"),
        ("tsv", "\tright: 3.4 seconds\n"),
    ],
)
def test_every_format_has_the_parties_in_order(server: Server, response_format: str, told: str) -> None:
    assert told in server.post(CALL, channels="separate", response_format=response_format).text


@pytest.mark.parametrize("response_format", ["srt", "vtt"])
def test_no_subtitle_of_parties_who_speak_at_once_is_lost(server: Server, response_format: str) -> None:
    both = stereo(hum(4), np.concatenate([silence(0.5), hum(3)]))
    text = server.post(both, channels="separate", response_format=response_format).text
    assert "4.0 seconds" in text
    assert "3.7 seconds" in text


def test_words_of_parties_who_speak_at_once_are_in_order(server: Server) -> None:
    fields = {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
    words = server.post(CALL, channels="separate", **fields).json()["words"]
    assert len(words) == 6
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)


@pytest.mark.parametrize(
    "fields",
    [
        {"multichannel": "true"},
        {"use_multi_channel": "1"},
        {"enable_separate_recognition_per_channel": "true"},
        {"multichannel": "true", "channels": "separate", "diarize": "true"},
    ],
)
def test_other_services_names_mean_the_same(server: Server, fields: dict[str, str]) -> None:
    answer = server.post(CALL, response_format="verbose_json", **fields)
    assert said(answer.json()) == SAID
    (other, *_) = fields
    named = answer.headers["x-govor-ignored"]
    assert named == (other if "channels" in fields else f"{other}=channels")


def test_channels_are_called_as_a_client_says(server: Server) -> None:
    fields = {"channels": "separate", "response_format": "verbose_json"}
    for names in ({"channel_names": "Agent, Customer"}, {"channel_names[]": ["Agent", "Customer"]}):
        body = server.post(CALL, **fields, **names).json()
        assert {speaker for speaker, _ in said(body)} == {"Agent", "Customer"}
    assert server.post(CALL, channel_names="A,B").headers["x-govor-ignored"] == "channel_names"


def test_speakers_need_no_diarizer_where_channels_are_separate(client: httpx.Client) -> None:
    sent = {"files": {"file": ("a.wav", CALL)}, "data": {"channels": "separate"}}
    body = client.post("/v1/audio/diarize", **sent).json()
    assert [part.get("speaker_turn") for part in body["segments"]] == [None, True, True]
    assert client.post("/v1/audio/diarize", files={"file": ("a.wav", CALL)}).status_code == 400


def test_known_speakers_and_numbers_are_named_where_channels_do_without_them(server: Server) -> None:
    fields = {"channels": "separate", "response_format": "diarized_json", "num_speakers": "2"}
    assert server.post(CALL, **fields).headers["x-govor-ignored"] == "num_speakers"


def test_of_a_recording_of_one_channel_a_diarizer_tells_the_speakers(start: Any) -> None:
    server = start(FakeDiarizer(SpeakerTurn(0.0, 0.5, 0), SpeakerTurn(0.5, 1.0, 1)))
    fields = {"channels": "separate", "response_format": "diarized_json"}
    assert said(server.post(MONO, **fields).json()) == [("A", "1.0"), ("B", "seconds")]
    assert said(server.post(CALL, **fields).json()) == SAID


def test_a_recording_of_one_channel_is_one_party(server: Server) -> None:
    fields = {"channels": "separate", "response_format": "diarized_json"}
    assert said(server.post(MONO, **fields).json()) == [("mono", "1.0 seconds")]
    assert said(server.post(MONO, **fields, channel_names="Host").json()) == [("Host", "1.0 seconds")]


def test_a_stream_tells_the_parties_in_order(server: Server, client: httpx.Client) -> None:
    answer = server.post(CALL, channels="separate", response_format="diarized_json", stream="true")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    *told, done, _ = lines
    assert said({"segments": [json.loads(line) for line in told]}) == SAID
    assert json.loads(done)["text"] == "2.2 seconds 3.4 seconds 1.7 seconds"
    rich = client.post(
        "/v1/audio/transcriptions?stream=true",
        files={"file": ("a.wav", CALL)},
        data={"channels": "separate", "timestamp_granularities[]": "segment"},
    ).text
    assert rich.index('"left"') < rich.index('"right"') < rich.rindex('"left"')


def test_a_job_tells_the_parties_and_its_result_can_be_had_in_any_format(client: httpx.Client) -> None:
    fields = {"channels": "separate", "channel_names": "A,B", "background": "true"}
    job = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", CALL)}, data=fields)
    assert job.status_code == 202, job.text
    address = job.headers["location"]
    assert eventually(lambda: client.get(address).json()["status"] == "completed")
    assert client.get(address).json()["progress"]["seconds_done"] == pytest.approx(7.5)
    text = client.get(f"{address}/result", params={"response_format": "text"}).text
    assert text == "A: 2.2 seconds\nB: 3.4 seconds\nA: 1.7 seconds\n"
    body = client.get(f"{address}/result", params={"response_format": "diarized_json"}).json()
    assert [speaker for speaker, _ in said(body)] == ["A", "B", "A"]
    assert client.get(f"{address}/events").text.count("transcript.text.delta") == 6  # name and type of each


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"channels": "left"}, "channels", "separate"),
        ({"channels": "separate", "channel_names": "A,A"}, "channel_names", "same name"),
        ({"channels": "separate", "channel_names": ",".join("ABCDEFGHI")}, "channel_names", "8"),
        ({"channels": "separate", "channel_names": "A" * 101}, "channel_names", "100"),
        ({"multichannel": "perhaps"}, "multichannel", "multichannel"),
    ],
)
def test_what_cannot_be_is_refused(server: Server, fields: dict[str, str], param: str, message: str) -> None:
    error = refusal(server.post(CALL, **fields))
    assert error["param"] == param
    assert message in error["message"]


@pytest.mark.parametrize("background", ["true", "false"])
def test_more_channels_than_are_heard_apart_are_refused_at_once(server: Server, background: str) -> None:
    error = refusal(server.post(stereo(*[hum(1)] * 9), channels="separate", background=background))
    assert error["param"] == "channels"
    assert "9 channels, and 8 at most" in error["message"]


def test_a_number_of_channels_keeps_its_meaning_for_sound_without_a_header(client: httpx.Client) -> None:
    pcm = CALL[44:]
    declared = {"encoding": "s16le", "sample_rate": "16000", "response_format": "verbose_json"}
    sent = {"files": {"file": ("call", pcm)}}
    apart = client.post(
        "/v1/audio/transcriptions", **sent, data={**declared, "channels": "2", "multichannel": "true"}
    )
    assert said(apart.json()) == SAID
    mixed = client.post("/v1/audio/transcriptions", **sent, data={**declared, "channels": "2"}).json()
    assert mixed["duration"] == pytest.approx(7.5)
    one = client.post("/v1/audio/transcriptions", **sent, data={**declared, "channels": "separate"}).json()
    assert one["duration"] == pytest.approx(15)
    with_header = client.post(
        "/v1/audio/transcriptions", files={"file": ("a.wav", CALL)}, data={"channels": "2"}
    )
    assert with_header.headers["x-govor-ignored"] == "channels"


def test_the_setting_is_for_clients_that_cannot_say_it(start: Any) -> None:
    server = start(channels="separate", channel_names=("Agent", "Customer"))
    assert server.post(CALL, response_format="text").text.startswith("Agent: 2.2 seconds\nCustomer: ")
    assert server.post(CALL, response_format="text", channels="mixed").text == "5.9 seconds\n"
    with server.client() as client:
        files = {"audio_file": ("a.wav", CALL)}
        asr = client.post("/asr", params={"diarize": "true", "output": "srt"}, files=files)
        assert "Customer: 3.4 seconds" in asr.text
        cpp = client.post("/inference", files={"file": ("a.wav", CALL)}).json()
        assert cpp["text"].split() == ["2.2", "seconds", "3.4", "seconds", "1.7", "seconds"]
        body = client.post("/v1/transcribe", content=CALL).json()
        assert body["text"] == "2.2 seconds 3.4 seconds 1.7 seconds"


def test_a_client_of_asr_may_ask_for_separate_channels(client: httpx.Client) -> None:
    def ask(files: Any = CALL, **query: str) -> httpx.Response:
        answer = client.post("/asr", params=query, files={"audio_file": ("a.wav", files)})
        assert answer.status_code == 200, answer.text
        return answer

    named = ask(channels="separate", channel_names="Agent,Customer", output="srt")
    assert "Customer: 3.4 seconds" in named.text
    assert "x-govor-ignored" not in named.headers
    assert ask(multichannel="true").text == ask().text, "only its own name is a parameter"
    assert ask(channels="2").headers["x-govor-ignored"] == "channels"
    assert ask(channel_names="Agent,Customer").headers["x-govor-ignored"] == "channel_names"
    form = client.post(
        "/asr", data={"channels": "separate", "output": "srt"}, files={"audio_file": ("a.wav", CALL)}
    )
    assert "right: 3.4 seconds" in form.text
    twice = client.post("/asr", params={"channel_names": "a,a"}, files={"audio_file": ("a.wav", CALL)})
    assert twice.status_code == 400


def test_a_job_that_was_interrupted_says_what_it_would_have_said(start: Any, tmp_path: Path) -> None:
    call = stereo(
        np.concatenate([hum(2), silence(4), hum(1), silence(6), hum(2.5), silence(5), hum(3)]),
        np.concatenate([silence(1), hum(3), silence(7), hum(4), silence(5), hum(1)]),
    )
    fields = {"channels": "separate", "response_format": "verbose_json"}
    whole = said(start().post(call, **fields).json())
    assert len(whole) == 7
    gate = Turnstile()
    first = start(recognizer=lambda spec: FakeRecognizer(spec, gate=gate), data_dir=tmp_path)
    with first.client() as client:
        sent = {"files": {"file": ("a.wav", call)}, "data": {**fields, "background": "true"}}
        address = client.post("/v1/audio/transcriptions", **sent).headers["location"]
        gate.open(4)
        assert eventually(lambda: client.get(address).json()["progress"]["seconds_done"] > 4)
    stopping = threading.Thread(target=first.stop)
    stopping.start()
    gate.open(100)
    stopping.join()
    with start(data_dir=tmp_path).client() as client:
        assert eventually(lambda: client.get(address).json()["status"] == "completed")
        body = client.get(f"{address}/result").json()
    assert said(body) == whole
    starts = [part["start"] for part in body["segments"]]
    assert starts == sorted(starts)
