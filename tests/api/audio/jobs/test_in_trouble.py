"""Jobs when something goes wrong at the wrong moment: clients leave, the engine is busy, the disk locked."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.contract.models import ModelSpec
from govor.errors import ServerBusy
from govor.testing import FakeLongForm, FakeRecognizer, hum, silence
from support.disks import cramped
from support.processes.servers import send_unread
from support.sound import media
from support.waiting import Turnstile, eventually

URL = "/v1/audio/transcriptions"
FAKE = ModelSpec("fake")
EVERY_CALL = 10_000
ASKED = {"model": "fake", "background": "true"}

Start = Callable[..., Any]


def voice(seconds: float) -> bytes:
    return media.wav(hum(seconds))


@pytest.fixture
def start(serve_model: Start, tmp_path: Path) -> Start:
    """Start a server of one fake model, its data in `tmp_path`."""
    return partial(serve_model, data_dir=tmp_path)


def submit(client: httpx.Client, seconds: float = 1) -> str:
    """Hand a job in; return its address."""
    response = client.post(URL, files={"file": ("a.wav", voice(seconds))}, data=ASKED)
    assert response.status_code == 202, response.text
    return response.headers["location"]


def state(client: httpx.Client, job: str) -> str:
    return client.get(job).json()["status"]


@contextmanager
def locked(folder: Path) -> Iterator[sqlite3.Connection]:
    """Hold the database of jobs as another program may, which lets nobody else write."""
    with closing(sqlite3.connect(folder / "jobs.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        other.execute("COMMIT")


def test_a_job_that_waits_for_the_engine_is_not_begun_by_the_other_worker_too(start: Start) -> None:
    busy = ServerBusy("as if the engine were full", retry_after=1.0)
    model = FakeRecognizer(FAKE, failure=busy)
    with start(model, jobs_parallel=2).client() as client:
        first = submit(client)
        assert eventually(lambda: len(model.calls) == 1)
        assert eventually(lambda: state(client, first) == "queued")
        model.failure, model.gate = None, Turnstile()
        second = submit(client, 2)
        assert eventually(lambda: len(model.calls) == 2)
        assert [call.seconds for call in model.calls] == [(1.0,), (2.0,)]
        assert eventually(lambda: state(client, first) == "in_progress")
        assert state(client, second) == "in_progress"
        model.gate.open(EVERY_CALL)
        for job in (first, second):
            assert eventually(lambda: state(client, job) == "completed")  # noqa: B023 - called at once


def test_a_job_whose_client_leaves_while_it_is_written_down_is_whole(start: Start, tmp_path: Path) -> None:
    server = start(FakeRecognizer(FAKE))
    with server.client() as client:
        submit(client)
        assert eventually(lambda: list((tmp_path / "audio").iterdir()) == [])
        with locked(tmp_path):
            connection = send_unread(server, URL, voice(2), **ASKED)
            assert eventually(lambda: len(list((tmp_path / "audio").iterdir())) == 1)
            connection.close()
            assert eventually(lambda: len(server.service.in_flight) == 0)
        assert eventually(lambda: len(client.get("/v1/jobs").json()["data"]) == 2)
        assert eventually(lambda: state(client, newest(client)) not in ("queued", "in_progress"))
        assert state(client, newest(client)) == "completed"


def newest(client: httpx.Client) -> str:
    return f"/v1/jobs/{client.get('/v1/jobs').json()['first_id']}"


def test_of_two_who_delete_a_job_at_once_one_cancels_and_one_forgets_it(start: Start) -> None:
    with start(FakeRecognizer(FAKE, gate=Turnstile())).client() as client, ThreadPoolExecutor(2) as threads:
        for _ in range(20):
            job = submit(client)
            answers = list(threads.map(client.delete, [job] * 2))
            assert [answer.status_code for answer in answers] == [200, 200]
            assert sorted(answer.json()["deleted"] for answer in answers) == [False, True]
            assert {answer.json()["status"] for answer in answers} == {"cancelled"}


def test_a_job_that_is_cancelled_in_the_database_only_is_not_worked_on(start: Start, tmp_path: Path) -> None:
    model = FakeLongForm(FAKE, gate=Turnstile())
    server = start(model)
    with server.client() as client:
        job = submit(client, 9)
        assert model.begun.acquire(timeout=10)
        with locked(tmp_path) as tables:
            tables.execute("UPDATE jobs SET status = 'cancelled', finished_at = 9e9")
        model.gate.open()
        assert eventually(
            lambda: not any(one.leases for one in server.service.pool.loaded_models.instances())
        )
        model.gate.open(EVERY_CALL)
        assert eventually(lambda: model.abandoned == 1)
        assert state(client, job) == "cancelled"
    assert len(model.calls) <= 2, "at most the call that had begun when the first one's segment was told"


def test_a_job_that_cannot_be_written_down_for_a_while_goes_on_where_it_stood(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("govor.jobs.runner.BROKEN_SECONDS", 0.05)
    model = FakeRecognizer(FAKE, gate=Turnstile())
    with start(model).client() as client:
        content = media.wav(np.concatenate([piece for n in range(4) for piece in (hum(1 + n), silence(4))]))
        job = client.post(URL, files={"file": ("a.wav", content)}, data=ASKED).headers["location"]
        model.gate.open()
        for _ in range(2):  # the first chunk is done, the second one held
            assert model.begun.acquire(timeout=10)
        assert eventually(lambda: client.get(job).json()["progress"]["seconds_done"] > 1)
        with cramped((tmp_path / "jobs.db-wal").stat().st_size):
            model.gate.open()
            assert eventually(lambda: "Jobs cannot be kept" in caplog.text)
            assert client.get(job).status_code == 200
        model.gate.open(EVERY_CALL)
        assert eventually(lambda: state(client, job) == "completed")
        text = client.get(job).json()["result"]["text"]
    assert text == "1.2 seconds 2.4 seconds 3.4 seconds 4.4 seconds"


def test_a_database_that_is_damaged_is_told_of_once(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("govor.jobs.service.RETRY_SECONDS", 0.01)
    (tmp_path / "jobs.db").write_bytes(b"something else entirely" * 500)
    caplog.set_level(logging.WARNING)
    with start(FakeRecognizer(FAKE)).client() as client:
        for _ in range(3):
            answer = client.get("/v1/jobs")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "jobs_unavailable")
    assert len([record for record in caplog.records if "not a database" in record.getMessage()]) == 1
    assert not any(record.exc_info for record in caplog.records)


def ask(client: httpx.Client, **fields: str) -> httpx.Response:
    """Ask to be answered later."""
    headers = {"Prefer": "respond-async"}
    return client.post(URL, files={"file": ("a.wav", voice(1))}, data=fields, headers=headers)


def test_who_prefers_to_be_answered_later_but_wants_a_stream_waits_like_all_others(start: Start) -> None:
    model = FakeRecognizer(FAKE, gate=Turnstile())
    server = start(model, max_queue=1)
    fields = {"model": "fake", "stream": "true"}
    first = send_unread(server, URL, voice(1), **fields)
    assert model.begun.acquire(timeout=10)
    with server.client() as client:
        refused = ask(client, **fields)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "server_busy")
        assert "retry-after" in refused.headers
        job = ask(client, model="fake").headers["location"]
        model.gate.open(EVERY_CALL)
        first.close()
        assert eventually(lambda: state(client, job) == "completed")
        assert eventually(lambda: server.service.admission.inside == 0)
        assert "[DONE]" in ask(client, **fields).text
