"""Speakers over HTTP: every format that names them, known ones, the route of their own, refusals."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelFile, ModelSpec
from govor.contract.recognizers import Capability
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, hum, plugins_of, silence
from support.processes.servers import Server
from support.sound import media
from support.waiting import eventually

WORDS = ModelSpec("fake", features=frozenset({Feature.WORDS}))
TURNS = (SpeakerTurn(0.0, 0.5, 0), SpeakerTurn(0.5, 1.0, 1))
VOICE = media.wav(hum(1.0))


def data_url(audio: np.ndarray, kind: str = "audio/wav") -> str:
    return f"data:{kind};base64,{base64.b64encode(media.wav(audio)).decode()}"


def known(*names: str, **urls: str) -> dict[str, Any]:
    references = [urls.get(name) or data_url(hum(3.0)) for name in names]
    return {"known_speaker_names[]": list(names), "known_speaker_references[]": references}


@pytest.fixture
def start(serve: Any, tmp_path: Path) -> Any:
    """Start a server of a fake model and this diarizer; None: none is installed."""

    def with_diarizer(diarizer: FakeDiarizer | None, **settings: Any) -> Server:
        plugins: dict[str, object] = {"fake": FakeBackend(WORDS), "vad": FakeDetector()}
        if diarizer is not None:
            plugins["voices"] = diarizer
        settings = {"default_models": ["fake"], "preload": (), "data_dir": tmp_path / "data", **settings}
        return serve(plugins_of(Settings(**settings), **plugins), **settings)

    return with_diarizer


@pytest.fixture
def server(start: Any) -> Server:
    return start(FakeDiarizer(*TURNS))


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as opened:
        yield opened


class CountingDiarizer(FakeDiarizer):
    """One that can be told how many speak, and notes what it was told of each recording."""

    capabilities = frozenset({Capability.COUNT})

    def __init__(self, *turns: SpeakerTurn):
        super().__init__(*turns)
        self.people: list[tuple[int, int | None]] = []

    def stream(self, known: Any = ()) -> FakeDiarizer:
        self.people.append((0, None))
        return self

    def stream_of(self, known: Any, least: int, most: int | None) -> FakeDiarizer:
        self.people.append((least, most))
        return self


@pytest.fixture
def counted(start: Any) -> tuple[Server, CountingDiarizer]:
    diarizer = CountingDiarizer(*TURNS)
    return start(diarizer), diarizer


def diarized(client: httpx.Client, **fields: Any) -> httpx.Response:
    return client.post("/v1/audio/diarization", files={"file": ("my talk.wav", VOICE)}, data=fields)


def refusal(response: httpx.Response, status: int = 400) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return response.json()["error"]


def test_diarized_json_says_who_says_what(server: Server) -> None:
    body = server.post(VOICE, response_format="diarized_json").json()
    assert [(part["speaker"], part["text"]) for part in body["segments"]] == [("A", "1.0"), ("B", "seconds")]
    assert body["text"] == "1.0 seconds"


def test_a_translation_that_is_asked_for_with_speakers_is_not_said_to_be_done(server: Server) -> None:
    with server.client() as client:
        answer = client.post(
            "/v1/audio/diarize", files={"file": ("a.wav", VOICE)}, data={"task": "translate"}
        )
    assert (answer.status_code, answer.headers["x-govor-ignored"]) == (200, "task")


def test_a_stream_of_diarized_json_tells_segments_and_then_the_text(server: Server) -> None:
    answer = server.post(VOICE, response_format="diarized_json", stream="true")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    told = [json.loads(line) for line in lines[:-1]]
    assert [event["type"] for event in told] == ["transcript.text.segment"] * 2 + ["transcript.text.done"]
    assert [event.get("speaker") for event in told[:2]] == ["A", "B"]
    assert told[2]["text"] == "1.0 seconds"
    assert lines[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("response_format", "line"),
    [
        ("text", "A: 1.0\nB: seconds\n"),
        ("srt", "B: seconds"),
        ("vtt", "<v B>seconds"),
        ("verbose_json", '"B"'),
    ],
)
def test_other_formats_name_speakers_when_asked(server: Server, response_format: str, line: str) -> None:
    assert line in server.post(VOICE, response_format=response_format, diarize="true").text
    assert line not in server.post(VOICE, response_format=response_format).text


def test_lines_with_names_are_answered_whole_where_a_stream_is_asked_for(server: Server) -> None:
    answer = server.post(VOICE, response_format="text", diarize="true", stream="true")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "A: 1.0\nB: seconds\n"


def test_known_speakers_are_named(server: Server) -> None:
    fields = known("Ann", "Ben")
    body = server.post(VOICE, response_format="diarized_json", **fields).json()
    assert [part["speaker"] for part in body["segments"]] == ["Ann", "Ben"]


def test_whisper_asr_asks_for_a_diarizer_before_it_reads_a_recording(start: Any) -> None:
    with start(None).client() as client:
        refused = client.post("/asr?diarize=true", data={"no": "file"})
    assert "needs a diarizer" in refused.text


def test_openais_name_of_a_diarizing_model_means_the_default(start: Any) -> None:
    server = start(FakeDiarizer(*TURNS), aliases={"gpt-4o-transcribe-diarize": "default"})
    answer = server.post(VOICE, model="gpt-4o-transcribe-diarize", response_format="diarized_json")
    assert answer.json()["segments"][1]["speaker"] == "B"
    assert server.post(VOICE, model="gpt-4o-transcribe-diarize").json()["text"] == "1.0 seconds"


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        (
            {"known_speaker_names": "Ann", "response_format": "diarized_json"},
            "known_speaker_references",
            "each name needs one reference",
        ),
        ({**known("Ann", "Ann"), "response_format": "diarized_json"}, "known_speaker_names", "twice"),
        ({**known(*"abcde"), "response_format": "diarized_json"}, "known_speaker_names", "4 items or fewer"),
    ],
)
def test_fields_that_do_not_fit_are_named(
    server: Server, fields: dict[str, Any], param: str, says: str
) -> None:
    error = refusal(server.post(VOICE, **fields))
    assert error["param"] == param
    assert says in error["message"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"diarize": "true"}, "diarize"),
        (known("Ann"), "known_speaker_names, known_speaker_references"),
        ({"diarize": "true", "stream": "true"}, "diarize"),
        ({"diarize": "true", "stream": "true", "response_format": "text"}, "stream"),
    ],
)
def test_what_an_answer_has_no_room_for_is_named(server: Server, fields: dict[str, Any], named: str) -> None:
    answer = server.post(VOICE, **fields)
    assert (answer.status_code, answer.headers["x-govor-ignored"]) == (200, named)
    assert "1.0" in answer.text


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (data_url(hum(1.5)), "1.5 seconds long; it must have 2 to 10"),
        (data_url(hum(10.5)), "longer than 10"),
        (data_url(hum(25.0)), "longer than 10"),
        (data_url(silence(3.0)), "Nobody can be heard in the reference of 'Ann'"),
        ("https://example.org/ann.wav", "no data URL"),
        ("data:audio/wav;base64,@@@@", "no valid base64"),
        ("data:audio/wav;base64,AAAA", "not audio or video"),
        ("data:audio/wav;base64,", "empty"),
    ],
)
def test_a_reference_that_cannot_be_used_is_explained(server: Server, url: str, says: str) -> None:
    answer = server.post(VOICE, response_format="diarized_json", **known("Ann", Ann=url))
    error = refusal(answer)
    assert error["param"] == "known_speaker_references"
    assert says in error["message"]


@pytest.mark.parametrize("seconds", [2.0, 10.0])
def test_references_of_two_and_of_ten_seconds_are_taken(server: Server, seconds: float) -> None:
    url = data_url(hum(seconds), "audio/x-wav;codecs=1")
    answer = server.post(VOICE, response_format="diarized_json", **known("Ann", Ann=url))
    assert answer.json()["segments"][0]["speaker"] == "Ann"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({"diarize": "1", "response_format": "srt"}, "diarize"),
    ],
)
def test_without_a_diarizer_the_answer_says_what_to_install(
    start: Any, fields: dict[str, str], param: str
) -> None:
    server = start(None)
    error = refusal(server.post(VOICE, **fields))
    assert (error["code"], error["param"]) == ("unsupported_operation", param)
    assert "pip install ./backends/diarizer" in error["message"]
    with server.client() as client:
        assert "pip install ./backends/diarizer" in refusal(diarized(client))["message"]


def test_a_diarizer_whose_files_are_not_here_says_how_to_fetch_them(start: Any) -> None:
    spec = ModelSpec("voices", (ModelFile("weights", ("hf:owner/voices@main/weights",)),))
    error = refusal(start(FakeDiarizer(spec=spec)).post(VOICE, response_format="diarized_json"), 404)
    assert "voices" in error["message"]
    assert "pull" in error["message"]


def test_a_diarizer_writes_no_text_and_is_not_listed(server: Server, client: httpx.Client) -> None:
    assert "writes no text" in refusal(server.post(VOICE, model="fake-diarizer"))["message"]
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["fake"]


@pytest.mark.parametrize(("task", "ids"), [("diarize", ["fake-diarizer"]), ("transcribe", ["fake"])])
def test_the_registry_tells_a_diarizer_from_models_of_speech(
    client: httpx.Client, task: str, ids: list[str]
) -> None:
    listed = client.get("/v1/registry", params={"task": task}).json()["data"]
    assert [(entry["id"], entry["tasks"]) for entry in listed] == [(model, [task]) for model in ids]


def test_a_diarizer_that_fails_answers_500_and_the_next_one_works(start: Any) -> None:
    diarizer = FakeDiarizer(*TURNS, failure=RuntimeError("out of tune"))
    server = start(diarizer)
    error = refusal(server.post(VOICE, response_format="diarized_json"), 500)
    assert "out of tune" in error["message"]
    diarizer.failure = None
    assert server.post(VOICE, response_format="diarized_json").status_code == 200


def test_the_route_tells_who_speaks_when(client: httpx.Client) -> None:
    assert diarized(client).json() == {
        "task": "diarize",
        "duration": 1.0,
        "num_speakers": 2,
        "segments": [
            {"id": 0, "start": 0.0, "end": 0.5, "speaker": "SPEAKER_00", "label": "A"},
            {"id": 1, "start": 0.5, "end": 1.0, "speaker": "SPEAKER_01", "label": "B"},
        ],
    }


def test_the_route_tells_what_is_said_where_localais_clients_ask(client: httpx.Client) -> None:
    body = diarized(client, response_format="verbose_json", include_text="true").json()
    assert [(turn["speaker"], turn["text"]) for turn in body["segments"]] == [
        ("SPEAKER_00", "1.0"),
        ("SPEAKER_01", "seconds"),
    ]
    assert [speaker["segment_count"] for speaker in body["speakers"]] == [1, 1]
    assert "text" not in diarized(client, include_text="true").json()["segments"][0]


@pytest.mark.parametrize(
    ("fields", "people"),
    [
        ({"num_speakers": "2"}, (2, 2)),
        ({"min_speakers": "2", "max_speakers": "5"}, (2, 5)),
        ({"min_speakers": "3"}, (3, None)),
        ({"max_speakers": "4"}, (0, 4)),
        ({"num_speakers": "0", "max_speakers": "0"}, (0, None)),
        ({"speakers_expected": "3"}, (3, 3)),
        ({"min_speaker_count": "2", "max_speaker_labels": "6"}, (2, 6)),
        ({"number_of_speakers": "7", "num_speakers": "2"}, (2, 2)),
    ],
)
def test_numbers_of_speakers_are_told_to_a_diarizer_that_can_count(
    counted: Any, fields: dict[str, str], people: tuple[int, int | None]
) -> None:
    server, diarizer = counted
    with server.client() as client:
        for answer in (
            diarized(client, **fields),
            server.post(VOICE, response_format="diarized_json", **fields),
            server.post(VOICE, response_format="srt", diarize="true", **fields),
            client.post("/v1/audio/diarize", files={"file": ("a.wav", VOICE)}, data=fields),
            client.post("/api/v1/audio/diarize", files={"file": ("a.wav", VOICE)}, data=fields),
        ):
            assert answer.status_code == 200, answer.text
            assert "x-govor-ignored" not in answer.headers
    assert diarizer.people == [people] * 5


@pytest.mark.parametrize("place", ["query", "form"])
def test_whisper_asrs_numbers_of_speakers_are_told_to_the_diarizer(counted: Any, place: str) -> None:
    server, diarizer = counted
    fields = {"diarize": "true", "min_speakers": "2", "max_speakers": "5"}
    with server.client() as client:
        query, form = (fields, {}) if place == "query" else ({}, fields)
        answer = client.post("/asr", params=query, data=form, files={"audio_file": ("a.wav", VOICE)})
        assert (answer.status_code, "x-govor-ignored" in answer.headers) == (200, False), answer.text
        wrong = client.post("/asr?diarize=true&min_speakers=5&max_speakers=2", data={"no": "file"})
    assert refusal(wrong)["param"] == "min_speakers"
    assert diarizer.people == [(2, 5)]


def test_a_job_tells_the_number_of_speakers_too(counted: Any) -> None:
    server, diarizer = counted
    job = server.post(VOICE, background="true", response_format="diarized_json", max_speakers="3")
    assert "x-govor-ignored" not in job.headers
    with server.client() as client:
        address = job.headers["location"]
        assert eventually(lambda: client.get(address).json()["status"] == "completed")
    assert diarizer.people == [(0, 3)]


def test_a_number_of_speakers_is_named_where_nobody_asks_for_speakers(counted: Any) -> None:
    server, diarizer = counted
    answer = server.post(VOICE, num_speakers="2", min_speakers="1")
    assert answer.headers["x-govor-ignored"] == "num_speakers, min_speakers"
    assert diarizer.people == []


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"min_speakers": "5", "max_speakers": "2"}, "min_speakers", "'min_speakers' is 5"),
        ({"num_speakers": "2", "min_speakers": "3"}, "num_speakers", "rule out"),
        ({"num_speakers": "6", "max_speakers": "3"}, "num_speakers", "rule out"),
        ({"num_speakers": "1000"}, "num_speakers", "100"),
        ({"max_speakers": "-1"}, "max_speakers", "0"),
        ({"num_speakers": "two"}, "num_speakers", "num_speakers"),
        ({"num_speakers": "2.5"}, "num_speakers", "num_speakers"),
        ({"speakers_expected": "1000"}, "num_speakers", "100"),
    ],
)
def test_numbers_that_cannot_be_are_refused_on_every_route(
    counted: Any, fields: dict[str, str], param: str, said: str
) -> None:
    server, diarizer = counted
    with server.client() as client:
        for answer in (
            diarized(client, **fields),
            server.post(VOICE, response_format="diarized_json", **fields),
            server.post(VOICE, background="true", diarize="true", **fields),
        ):
            error = refusal(answer)
            assert error["param"] == param
            assert said in error["message"]
    assert diarizer.people == []


def test_fields_that_the_diarizer_cannot_do_are_named(client: httpx.Client) -> None:
    answer = diarized(client, num_speakers="2", clustering_threshold="0.5")
    assert (answer.status_code, answer.headers["x-govor-ignored"]) == (
        200,
        "num_speakers, clustering_threshold",
    )


def test_channels_are_not_separated_and_the_answer_says_so(client: httpx.Client) -> None:
    answer = diarized(client, channels="separate", channel_names="a,b", multichannel="true")
    assert answer.headers["x-govor-ignored"] == "channel_names, channels, multichannel"


def test_short_turns_are_left_out_where_a_client_asks(client: httpx.Client) -> None:
    assert diarized(client, min_duration_on="0.6").json()["segments"] == []


def test_the_route_counts_a_client_by_its_key_as_others_do(start: Any, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\ntwo\n", encoding="utf-8")
    gate = threading.Event()
    limits = {"api_keys_file": tmp_path / "keys", "max_requests_per_client": 1}
    server = start(FakeDiarizer(*TURNS, gate=gate), **limits)
    one, two = ({"Authorization": f"Bearer {key}"} for key in ("one", "two"))
    form = {"files": {"file": ("a.wav", VOICE)}}
    with server.client() as client, ThreadPoolExecutor(1) as threads:
        held = threads.submit(client.post, "/v1/audio/diarization", headers=one, **form)
        assert eventually(lambda: server.service.admission.inside == 1)
        assert client.post("/v1/audio/transcriptions", headers=one, **form).status_code == 429
        assert client.post("/v1/audio/transcriptions", headers=two, **form).status_code == 200
        gate.set()
        assert held.result().status_code == 200


def test_the_route_writes_rttm_under_the_name_of_the_file(client: httpx.Client) -> None:
    answer = diarized(client, response_format="rttm", **known("Ann"))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[0] == "SPEAKER my_talk 1 0.000 0.500 <NA> <NA> Ann <NA> <NA>"


def test_the_route_takes_the_diarizers_names_only(client: httpx.Client) -> None:
    assert diarized(client, model="fake-diarizer").status_code == 200
    assert diarized(client, model="voices/fake-diarizer").status_code == 200
    error = refusal(diarized(client, model="fake"), 404)
    assert "fake-diarizer" in error["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "srt"}, "response_format"),
        ({"known_speaker_names": "Ann"}, "known_speaker_references"),
    ],
)
def test_the_route_refuses_fields_that_are_wrong(
    client: httpx.Client, fields: dict[str, str], param: str
) -> None:
    assert refusal(diarized(client, **fields))["param"] == param


def test_the_route_tells_clients_apart_by_keys_that_are_in_a_file(start: Any, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\ntwo\n")
    gate = threading.Event()
    server = start(
        FakeDiarizer(*TURNS, gate=gate), api_keys_file=tmp_path / "keys", max_requests_per_client=1
    )

    def ask(key: str) -> int:
        with server.client(headers={"Authorization": f"Bearer {key}"}) as client:
            return diarized(client).status_code

    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(ask, "one"), threads.submit(ask, "two")]
        both_inside = eventually(lambda: server.service.admission.inside == 2)
        gate.set()
        assert both_inside
        assert [answer.result() for answer in answers] == [200, 200]


def test_the_route_refuses_what_is_no_recording(client: httpx.Client) -> None:
    answer = client.post("/v1/audio/diarization", files={"file": ("talk.wav", b"not audio at all")})
    assert refusal(answer)["code"] == "invalid_audio"
    assert refusal(client.post("/v1/audio/diarization"))["code"] == "empty_body"


def test_a_job_tells_speakers_apart_as_well(server: Server, client: httpx.Client) -> None:
    fields = {"background": "true", "response_format": "diarized_json", **known("Ann", "Ben")}
    job = server.post(VOICE, **fields)
    assert job.status_code == 202, job.text
    address = job.headers["location"]
    assert eventually(lambda: client.get(address).json()["status"] not in ("queued", "in_progress"))
    parts = client.get(f"{address}/result").json()["segments"]
    assert [(part["speaker"], part["text"]) for part in parts] == [("Ann", "1.0"), ("Ben", "seconds")]


def test_the_result_of_a_job_without_speakers_cannot_name_any(server: Server, client: httpx.Client) -> None:
    address = server.post(VOICE, background="true").headers["location"]
    assert eventually(lambda: client.get(address).json()["status"] == "completed")
    error = refusal(client.get(f"{address}/result", params={"response_format": "diarized_json"}))
    assert error["param"] == "response_format"


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
def test_go_whispers_route_marks_where_another_speaker_begins(client: httpx.Client, base: str) -> None:
    sent = {"files": {"file": ("a.wav", VOICE)}}
    body = client.post(f"{base}/audio/diarize", **sent).json()
    assert body["task"] == "diarize"
    assert [(part["text"], part.get("speaker_turn")) for part in body["segments"]] == [
        ("1.0", None),
        ("seconds", True),
    ]
    told = client.post(f"{base}/audio/diarize?stream=true", **sent).text
    assert told.count("event: segment") == 2
    assert told.count('"speaker_turn":true') == 1


@pytest.mark.parametrize("path", ["/v1/audio/diarize", "/api/v1/audio/diarize?stream=true"])
def test_go_whispers_route_needs_a_diarizer_as_well(start: Any, path: str) -> None:
    with start(None).client() as client:
        error = refusal(client.post(path, files={"file": ("a.wav", VOICE)}))
    assert error["code"] == "unsupported_operation"
    assert "pip install ./backends/diarizer" in error["message"]
