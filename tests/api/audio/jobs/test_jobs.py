"""Jobs over HTTP: handed in, watched, shown in every format, cancelled, listed, forgotten."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from govor.contract.diarization import SpeakerTurn
from govor.contract.models import Feature, ModelSpec
from govor.errors import LoadFailed
from govor.settings import Settings
from govor.testing import (
    FakeBackend,
    FakeDetector,
    FakeDiarizer,
    FakeLongForm,
    FakeRecognizer,
    hum,
    plugins_of,
    silence,
)
from support.sound import media
from support.waiting import Turnstile, eventually

URL = "/v1/audio/transcriptions"
FAKE = ModelSpec("fake", features=frozenset({Feature.WORDS}))
EVERY_CALL = 10_000
ASKED = {"model": "fake", "background": "true"}

Start = Callable[..., Any]


def talk(*seconds: float) -> bytes:
    """Voice in chunks of these lengths, four seconds apart."""
    return media.wav(np.concatenate([piece for length in seconds for piece in (hum(length), silence(4))]))


def voice(seconds: float) -> bytes:
    return media.wav(hum(seconds))


@pytest.fixture
def start(serve_model: Start) -> Start:
    """Start a server of one fake model."""

    def start(model: FakeRecognizer | None = None, **settings: Any) -> Any:
        return serve_model(model or FakeRecognizer(FAKE), **settings)

    return start


def submit(client: httpx.Client, content: bytes, headers: Any = None, **fields: str) -> str:
    """Hand a job in; return its address."""
    files = {"file": ("a.wav", content)}
    response = client.post(URL, files=files, data={**ASKED, **fields}, headers=headers)
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/v1/jobs/{response.json()['id']}"
    return response.headers["location"]


def state(client: httpx.Client, job: str) -> str:
    return client.get(job).json()["status"]


def done(client: httpx.Client, job: str) -> dict[str, Any]:
    """The job when it has ended."""
    assert eventually(lambda: state(client, job) not in ("queued", "in_progress"))
    return client.get(job).json()


def events(client: httpx.Client, job: str, **headers: str) -> list[tuple[str, Any]]:
    """All events as (id, data), comments left out."""
    found, number = [], ""
    with client.stream("GET", f"{job}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("id: "):
                number = line.removeprefix("id: ")
            if line.startswith("data: "):
                data = line.removeprefix("data: ")
                found.append((number, data if data == "[DONE]" else json.loads(data)))
                number = ""
    return found


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_job_is_queued_worked_on_and_done(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    with start(model).client() as client:
        files = {"file": ("a.wav", talk(1, 2))}
        answer = client.post(URL, files=files, data=ASKED)
        job = answer.json()
        assert (answer.status_code, job["status"], job["model"]) == (202, "queued", "fake")
        assert job["filename"] == "a.wav"
        assert job["progress"] == {"seconds_done": 0, "seconds_total": 11}
        assert (job["result"], job["error"], job["finished_at"]) == (None, None, None)
        path = answer.headers["location"]
        assert eventually(lambda: state(client, path) == "in_progress")
        model.gate.open()
        assert eventually(lambda: 0 < client.get(path).json()["progress"]["seconds_done"] < 5)
        model.gate.open()
        ended = done(client, path)
    assert (ended["status"], ended["filename"]) == ("completed", "a.wav")
    assert ended["result"]["text"] == "1.2 seconds 2.4 seconds"
    assert ended["progress"] == {"seconds_done": 11, "seconds_total": 11}
    assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"] < ended["expires_at"]


def test_progress_is_never_more_than_the_whole_where_the_file_states_too_little(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    first, rest = [hum(1), silence(4)], [hum(1), silence(4), hum(1), silence(4)]
    content = b"".join(media.encode([np.concatenate(part)], 16_000, "flac", "flac") for part in (first, rest))
    with start(model).client() as client:
        job = submit(client, content)
        assert client.get(job).json()["progress"]["seconds_total"] == 5
        model.gate.open(2)
        assert eventually(lambda: client.get(job).json()["progress"]["seconds_done"] > 5)
        progress = client.get(job).json()["progress"]
        assert progress["seconds_total"] >= progress["seconds_done"]
        model.gate.open()
        assert done(client, job)["progress"] == {"seconds_done": 15, "seconds_total": 15}


def test_the_result_is_what_the_same_request_answers_at_once(start: Start) -> None:
    server = start()
    for fields in (
        {"response_format": "json"},
        {"response_format": "verbose_json", "timestamp_granularities[]": "word"},
        {"response_format": "srt"},
        {"response_format": "text"},
        {"response_format": "vtt"},
    ):
        with server.client() as client:
            job = submit(client, talk(1, 2), **fields)
            whole = server.post(talk(1, 2), model="fake", **fields)
            result = done(client, job)["result"]
            shown = client.get(f"{job}/result")
        assert shown.headers["content-type"] == whole.headers["content-type"]
        assert shown.headers["x-govor-model"] == "fake"
        assert shown.text == whole.text
        assert result == (whole.json() if "json" in fields["response_format"] else whole.text)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1/audio/transcriptions", "json"),
        ("/api/v1/audio/transcriptions", "verbose_json"),
        ("/v1/audio/diarize", "json"),
        ("/api/v1/audio/diarize", "srt"),
    ],
)
def test_the_result_is_what_its_own_route_answers_at_once(path: str, shown: str, serve: Any) -> None:
    speakers = FakeDiarizer(SpeakerTurn(0.0, 2.0, 0), SpeakerTurn(2.0, 99.0, 1))
    plugins = plugins_of(
        Settings(),
        fake=FakeBackend(FAKE, recognizer=FakeRecognizer),
        vad=FakeDetector(),
        diarizer=speakers,
    )
    with serve(plugins, preload=()).client() as client:
        files, data = {"file": ("a.wav", talk(1, 2))}, {"model": "fake", "response_format": shown}
        whole = client.post(path, files=files, data=data)
        job = client.post(path, files=files, data={**data, "background": "true"}).headers["location"]
        result = done(client, job)["result"]
        assert client.get(f"{job}/result").text == whole.text
        assert client.get(f"{job}/result", params={"response_format": shown}).text == whole.text
    assert result == (whole.json() if "json" in shown else whole.text)


def test_who_wants_a_stream_gets_no_job_whatever_the_header_prefers(start: Start) -> None:
    headers = {"Prefer": "respond-async"}
    with start().client() as client:
        for path, fields in ((URL, {"stream": "true"}), (f"{URL}?stream=true", {})):
            files, data = {"file": ("a.wav", voice(1))}, {"model": "fake", **fields}
            answer = client.post(path, files=files, data=data, headers=headers)
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "preference-applied" not in answer.headers
        refused = client.post(f"{URL}?stream=true", files=files, data={"model": "fake", "background": "true"})
        assert (refused.json()["error"]["param"], *code(refused)) == ("stream", 400, "invalid_param")


def test_the_result_can_be_had_in_any_other_format_with_times_of_words(start: Start) -> None:
    with start().client() as client:
        job = submit(client, voice(1), **{"timestamp_granularities[]": "word"})
        done(client, job)
        words = client.get(f"{job}/result", params={"response_format": "verbose_json"}).json()["words"]
        assert [word["word"] for word in words] == ["1.0", "seconds"]
        assert "-->" in client.get(f"{job}/result", params={"response_format": "srt"}).text
        wrong = client.get(f"{job}/result", params={"response_format": "pdf"})
        assert (wrong.json()["error"]["param"], *code(wrong)) == ("response_format", 400, "invalid_param")


@pytest.mark.parametrize("rules", [{"vad": "false"}, {"chunking_strategy": '{"type": "server_vad"}'}])
def test_a_job_keeps_to_the_rules_of_speech(start: Start, rules: dict[str, str]) -> None:
    with start().client() as client:
        job = submit(client, voice(1), **rules)
        done(client, job)
        assert client.get(job).json()["result"]["text"] == "1.0 seconds"


def test_there_is_no_result_before_the_end(start: Start) -> None:
    with start(FakeRecognizer(FAKE, gate=Turnstile())).client() as client:
        early = client.get(f"{submit(client, voice(1))}/result")
    assert code(early) == (409, "job_not_finished")
    assert "retry-after" in early.headers


def test_a_header_asks_for_a_job_as_well_and_hears_that_it_was_heeded(start: Start) -> None:
    with start().client() as client:
        for value in ("respond-async", "wait=10, Respond-Async; x=1"):
            files = {"file": ("a.wav", voice(1))}
            answer = client.post(URL, files=files, data={"model": "fake"}, headers={"Prefer": value})
            assert answer.status_code == 202
            assert answer.headers["preference-applied"] == "respond-async"
        files = {"file": ("a.wav", voice(1))}
        assert client.post(URL, files=files, data={"model": "fake"}, headers={"Prefer": "wait=3"}).is_success


def test_the_sdk_hands_in_a_job(start: Start) -> None:
    server = start()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as sdk:
        create = sdk.audio.transcriptions.create
        by_field = create(model="fake", file=("a.wav", voice(1)), extra_body={"background": True})
        by_header = create(model="fake", file=("a.wav", voice(1)), extra_headers={"Prefer": "respond-async"})
        jobs = [answer.model_dump()["id"] for answer in (by_field, by_header)]
        with server.client() as client:
            texts = [done(client, f"/v1/jobs/{job}")["result"]["text"] for job in jobs]
    assert texts == ["1.0 seconds"] * 2


def test_a_translation_can_be_a_job(start: Start) -> None:
    model = FakeRecognizer(ModelSpec("fake", features=frozenset({Feature.TRANSLATE})))
    with start(model).client() as client:
        files = {"file": ("a.wav", voice(1))}
        answer = client.post("/v1/audio/translations", files=files, data=ASKED)
        job = done(client, answer.headers["location"])
        shown = client.get(f"/v1/jobs/{job['id']}/result", params={"response_format": "verbose_json"})
    assert shown.json()["task"] == "translate"


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        (b"hello world\n" * 1000, {}, (400, "invalid_audio")),
        (media.silence(9), {}, (400, "audio_too_long")),
        (media.silence(1), {"model": "nonsense"}, (404, "model_not_found")),
        (media.silence(1), {"temperature": "7"}, (400, "invalid_param")),
        (media.silence(1), {"response_format": "pdf"}, (400, "invalid_param")),
        (media.silence(1), {"stream": "true"}, (400, "invalid_param")),
        (media.silence(1), {"background": "perhaps"}, (400, "invalid_param")),
    ],
)
def test_what_is_wrong_with_a_job_is_said_when_it_is_handed_in(
    content: bytes, fields: dict[str, str], expected: tuple[int, str], start: Start, tmp_path: Path
) -> None:
    server = start(max_audio_seconds=5, data_dir=tmp_path / "data")
    assert code(server.post(content, **{**ASKED, **fields})) == expected
    assert [path for path in (tmp_path / "data").rglob("*") if path.parent.name == "audio"] == []


def test_a_server_without_jobs_leaves_no_trace_on_the_disk(start: Start, tmp_path: Path) -> None:
    server = start(data_dir=tmp_path / "data")
    server.post(voice(1), model="fake")
    with server.client() as client:
        assert client.get("/v1/jobs").json()["data"] == []
        assert code(client.get("/v1/jobs/job_none")) == (404, "job_not_found")
    assert not (tmp_path / "data").exists()


def test_events_tell_the_text_as_it_comes_and_the_whole_in_the_end(start: Start) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    with start(model).client() as client:
        job = submit(client, voice(3))
        with client.stream("GET", f"{job}/events") as response:
            lines = (line for line in response.iter_lines() if line.startswith("data: "))
            for number in range(3):
                model.gate.open()
                assert "seconds" in json.loads(next(lines).removeprefix("data: "))["delta"]
                assert len(model.calls) <= number + 2
            whole, end = lines
        assert json.loads(whole.removeprefix("data: "))["text"] == "1.0 seconds 1.0 seconds 1.0 seconds"
        assert end == "data: [DONE]"


def test_events_can_be_read_again_from_any_one_on(start: Start) -> None:
    with start(FakeLongForm(FAKE)).client() as client:
        job = submit(client, voice(4))
        done(client, job)
        whole = events(client, job)
        assert [number for number, _ in whole] == ["1", "2", "3", "4", "", ""]
        text = "".join(event["delta"] for number, event in whole if number)
        assert text == whole[4][1]["text"]
        for told in range(5):
            assert events(client, job, **{"Last-Event-ID": str(told)}) == whole[told:]
        wrong = client.get(f"{job}/events", headers={"Last-Event-ID": "-1"})
        assert code(wrong) == (400, "invalid_param")


def test_events_end_without_done_where_the_operator_leaves_it_out(start: Start) -> None:
    with start(compat={"sse_done": False}).client() as client:
        ((_, delta), (_, whole)) = events(client, submit(client, voice(1)))
    assert (delta["type"], whole["type"]) == ("transcript.text.delta", "transcript.text.done")


def test_events_are_kept_open_by_comments(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    with start(model, keep_alive_seconds=0.05).client() as client:
        job = submit(client, voice(1))
        with client.stream("GET", f"{job}/events") as response:
            lines = response.iter_lines()
            assert [next(lines) for _ in range(4)] == [": keep-alive"] * 4
            model.gate.open()
            assert "data: [DONE]" in list(lines)


def test_the_sdk_reads_the_events_of_a_job(start: Start) -> None:
    server = start()
    with server.client() as client:
        job = submit(client, talk(1, 2))
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as sdk:
        path = job.removeprefix("/v1")
        stream = sdk.get(f"{path}/events", cast_to=object, stream=True, stream_cls=openai.Stream[Any])
        told = list(stream)
    assert told[-1]["text"] == "1.2 seconds 2.4 seconds"


def test_a_job_that_fails_has_the_error_of_the_same_request(start: Start) -> None:
    model = FakeRecognizer(FAKE, failure=RuntimeError("out of memory"))
    server = start(model)
    at_once = server.post(voice(1), model="fake")
    with server.client() as client:
        job = submit(client, voice(1))
        ended = done(client, job)
        assert (ended["status"], ended["error"]) == ("failed", at_once.json()["error"])
        shown = client.get(f"{job}/result")
        assert (shown.status_code, shown.json()) == (at_once.status_code, at_once.json())
        assert events(client, job) == [("", {"type": "error", "error": at_once.json()["error"]})]


def test_a_job_whose_model_cannot_be_loaded_fails_with_that(serve: Any) -> None:
    backend = FakeBackend(failure=LoadFailed("There is no device 'cuda:7'."))
    with serve(plugins_of(Settings(), fake=backend), preload=()).client() as client:
        ended = done(client, submit(client, voice(1)))
    assert (ended["status"], ended["error"]["code"]) == ("failed", "backend_unavailable")
    assert "cuda:7" in ended["error"]["message"]


def test_a_job_tells_how_far_its_speakers_are_told_apart(serve: Any) -> None:
    diarizer = FakeDiarizer(SpeakerTurn(0.0, 1.0, 0), gate=Turnstile())
    plugins = plugins_of(Settings(), fake=FakeBackend(FAKE), vad=FakeDetector(), diarizer=diarizer)
    with serve(plugins, preload=()).client() as client:
        job = submit(client, voice(10), response_format="diarized_json")
        diarizer.gate.open(2)
        assert eventually(lambda: client.get(job).json()["progress"].get("seconds_diarized") == 8)
        assert client.get(job).json()["progress"]["seconds_done"] == 0
        assert client.get("/v1/jobs").json()["data"][0]["progress"]["seconds_diarized"] == 8
        diarizer.gate.open(100)
        assert done(client, job)["progress"] == {"seconds_done": 10, "seconds_total": 10}


def test_jobs_go_on_after_one_whose_diarizer_was_unloaded_by_force(serve: Any) -> None:
    diarizer = FakeDiarizer(SpeakerTurn(0.0, 1.0, 0), gate=threading.Event())
    plugins = plugins_of(Settings(), fake=FakeBackend(FAKE), vad=FakeDetector(), diarizer=diarizer)
    with serve(plugins, preload=()).client() as client:
        job = submit(client, talk(1, 2), response_format="diarized_json")
        assert eventually(lambda: bool(diarizer.known))
        unloading = threading.Thread(
            target=client.delete, args=("/api/ps/fake-diarizer",), kwargs={"params": {"force": "true"}}
        )
        unloading.start()
        assert eventually(lambda: state(client, job) == "failed")
        diarizer.gate.set()
        unloading.join()
        assert client.get(job).json()["error"]["code"] == "model_unloaded"
        assert done(client, submit(client, talk(1)))["status"] == "completed"


def test_a_running_job_is_cancelled_and_its_queue_is_free_at_once(start: Start, tmp_path: Path) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model, data_dir=tmp_path)
    with server.client() as client:
        job, next_job = submit(client, voice(9)), submit(client, voice(1))
        model.gate.open()
        for _ in range(2):  # the first window is done, the second one held
            assert model.begun.acquire(timeout=10)
        cancelled = client.delete(job).json()
        assert (cancelled["status"], cancelled["deleted"]) == ("cancelled", False)
        assert code(client.get(f"{job}/result")) == (410, "job_cancelled")
        assert [event["error"]["code"] for _, event in events(client, job)[1:]] == ["job_cancelled"]
        model.gate.open(EVERY_CALL)
        assert done(client, next_job)["status"] == "completed"
        assert eventually(lambda: model.abandoned == 1)
        assert len(model.calls) <= 4
        assert client.delete(job).json()["deleted"] is True
        assert code(client.get(job)) == (404, "job_not_found")
    assert list((tmp_path / "audio").iterdir()) == []


def test_a_job_that_waits_is_cancelled_and_never_worked_on(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    with start(model).client() as client:
        running, waiting = submit(client, voice(1)), submit(client, voice(3))
        assert client.delete(waiting).json()["status"] == "cancelled"
        model.gate.open(EVERY_CALL)
        assert done(client, running)["status"] == "completed"
        assert state(client, waiting) == "cancelled"
    assert [call.seconds for call in model.calls] == [(1.0,)]


def test_a_cancelled_jobs_stream_ends(start: Start) -> None:
    with start(FakeRecognizer(FAKE, gate=Turnstile())).client() as client:
        job = submit(client, voice(1))
        found: list[Any] = []
        reader = threading.Thread(target=lambda: found.extend(events(client, job)))
        reader.start()
        client.delete(job)
        reader.join(10)
    assert [event["error"]["code"] for _, event in found] == ["job_cancelled"]


def test_as_many_jobs_run_at_once_as_the_setting_says(start: Start) -> None:
    model = FakeRecognizer(FAKE, parallel=8, gate=Turnstile())
    with start(model, jobs_parallel=2).client() as client:
        jobs = [submit(client, voice(1)) for _ in range(4)]
        assert eventually(lambda: [state(client, job) for job in jobs[:2]] == ["in_progress"] * 2)
        assert [state(client, job) for job in jobs[2:]] == ["queued"] * 2
        model.gate.open(EVERY_CALL)
        assert {done(client, job)["status"] for job in jobs} == {"completed"}


def test_jobs_are_listed_from_the_newest_in_pages_and_by_state(start: Start) -> None:
    model = FakeRecognizer(FAKE)
    with start(model).client() as client:
        ids = [done(client, submit(client, voice(1)))["id"] for _ in range(5)]
        model.gate = Turnstile()
        running = submit(client, voice(1)).rpartition("/")[2]
        first = client.get("/v1/jobs", params={"limit": 2}).json()
        assert [job["id"] for job in first["data"]] == [running, ids[4]]
        assert (first["object"], first["has_more"], first["last_id"]) == ("list", True, ids[4])
        rest = client.get("/v1/jobs", params={"after": ids[4], "limit": 100}).json()
        assert [job["id"] for job in rest["data"]] == ids[3::-1]
        assert rest["has_more"] is False
        completed = client.get("/v1/jobs", params={"status": "completed"}).json()["data"]
        assert [job["id"] for job in completed] == ids[::-1]
        for wrong in ({"limit": "0"}, {"status": "lost"}):
            assert code(client.get("/v1/jobs", params=wrong)) == (400, "invalid_param")
        assert code(client.get("/v1/jobs", params={"after": "job_x"})) == (404, "job_not_found")
        model.gate.open(EVERY_CALL)


def test_a_client_sees_the_jobs_of_its_own_key_only(start: Start, tmp_path: Path) -> None:
    server = start(api_keys=("first", "второй"), data_dir=tmp_path)
    first, second = ({b"authorization": f"Bearer {key}".encode()} for key in ("first", "второй"))
    with server.client() as client:
        mine, other = submit(client, voice(1), first), submit(client, voice(1), second)
        assert client.get(mine, headers=first).status_code == 200
        for path, key in ((mine, second), (other, first)):
            assert code(client.get(path, headers=key)) == (404, "job_not_found")
            assert code(client.get(f"{path}/result", headers=key)) == (404, "job_not_found")
            assert code(client.get(f"{path}/events", headers=key)) == (404, "job_not_found")
            assert code(client.delete(path, headers=key)) == (404, "job_not_found")
        listed = client.get("/v1/jobs", headers=second).json()["data"]
        assert [job["id"] for job in listed] == [other.rpartition("/")[2]]
        assert client.get(mine).status_code == 401
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("jobs.db*"))
    assert b"first" not in kept
    assert "второй".encode() not in kept


def test_more_jobs_than_may_wait_are_refused_for_a_while(start: Start, tmp_path: Path) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    server = start(model, jobs_limit=2, data_dir=tmp_path)
    with server.client() as client:
        jobs = [submit(client, voice(1)) for _ in range(2)]
        refused = server.post(voice(1), **ASKED)
        assert code(refused) == (503, "server_busy")
        assert int(refused.headers["retry-after"]) > 0
        model.gate.open(EVERY_CALL)
        for job in jobs:
            done(client, job)
        done(client, submit(client, voice(1)))
    assert list((tmp_path / "audio").iterdir()) == []


def test_a_server_that_takes_no_jobs_says_so(start: Start) -> None:
    refused = start(jobs_limit=0).post(voice(1), **ASKED)
    assert code(refused) == (503, "jobs_unavailable")
    assert "jobs_limit" in refused.json()["error"]["message"]


def test_the_oldest_finished_job_makes_way_and_what_waits_does_not(start: Start) -> None:
    model = FakeLongForm(FAKE, window=0.05)
    content = talk(24)  # 0.9 MB, and a text of 0.1 MB
    server = start(model, jobs_max_mb=1.88)
    with server.client() as client:
        old = submit(client, content)
        done(client, old)
        model.gate = Turnstile()
        first = submit(client, content)
        assert state(client, old) == "completed"
        second = submit(client, content)
        assert code(client.get(old)) == (404, "job_not_found")
        assert code(server.post(content, **ASKED)) == (507, "insufficient_storage")
        assert {state(client, job) for job in (first, second)} == {"in_progress", "queued"}


def test_a_finished_job_is_forgotten_after_its_time(start: Start, tmp_path: Path) -> None:
    server = start(jobs_keep_hours=0.0003, data_dir=tmp_path)  # a second
    with server.client() as client:
        job = submit(client, voice(1))
        assert eventually(lambda: client.get(job).status_code == 404)
        assert client.get("/v1/jobs").json()["data"] == []


def test_two_servers_do_not_share_a_data_folder(start: Start, tmp_path: Path) -> None:
    first, second = start(data_dir=tmp_path), start(data_dir=tmp_path)
    with first.client() as client:
        done(client, submit(client, voice(1)))
    refused = second.post(voice(1), **ASKED)
    assert code(refused) == (503, "jobs_unavailable")
    assert str(tmp_path) in refused.json()["error"]["message"]
    assert second.post(voice(1), model="fake").status_code == 200
