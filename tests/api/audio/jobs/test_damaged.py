"""Jobs of a server whose database is damaged, or whose store fails in a way that nobody expects."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.contract.models import ModelSpec
from govor.jobs.storage.records import UNREADABLE
from govor.jobs.storage.store import JobStore
from govor.testing import FakeRecognizer, hum
from support.sound import media
from support.waiting import Turnstile, eventually

URL = "/v1/audio/transcriptions"
ASKED = {"model": "fake", "background": "true"}
VOICE = media.wav(hum(1))
Start = Callable[..., Any]


@pytest.fixture
def start(serve_model: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start a server of one fake model, its data in `tmp_path`."""
    monkeypatch.setattr("govor.jobs.runner.BROKEN_SECONDS", 0.05)
    return partial(serve_model, data_dir=tmp_path)


def submit(client: httpx.Client, **fields: str) -> str:
    response = client.post(URL, files={"file": ("a.wav", VOICE)}, data={**ASKED, **fields})
    assert response.status_code == 202, response.text
    return response.headers["location"]


def state(client: httpx.Client, job: str) -> str:
    return client.get(job).json()["status"]


def spoil(folder: Path, change: str) -> None:
    with closing(sqlite3.connect(folder / "jobs.db", isolation_level=None)) as tables:
        tables.execute(change)


def test_a_row_that_cannot_be_read_fails_alone_and_the_queue_goes_on(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = FakeRecognizer(ModelSpec("fake"), gate=Turnstile())
    with start(model).client() as client:
        first, second, third = (submit(client) for _ in range(3))
        assert model.begun.acquire(timeout=10)
        spoil(tmp_path, "UPDATE jobs SET wanted = '{}' WHERE number = 2")
        model.gate.open(100)
        assert eventually(lambda: state(client, third) == "completed")
        listed = [job["status"] for job in client.get("/v1/jobs").json()["data"]]
        assert listed == ["completed", "failed", "completed"]
        assert client.get(second).json()["error"]["message"] == UNREADABLE.message
        result = client.get(f"{second}/result")
        assert (result.status_code, result.json()["error"]["message"]) == (500, UNREADABLE.message)
        assert UNREADABLE.message in client.get(f"{second}/events").text
        assert client.delete(second).json()["deleted"] is True
        assert state(client, first) == "completed"
        assert "jobs" not in client.get("/ready").json()
    assert len([record for record in caplog.records if "cannot be read" in record.getMessage()]) == 1


def test_a_result_that_cannot_be_read_is_a_failed_job(start: Start, tmp_path: Path) -> None:
    with start(FakeRecognizer(ModelSpec("fake"))).client() as client:
        job = submit(client)
        assert eventually(lambda: state(client, job) == "completed")
        spoil(tmp_path, "UPDATE segments SET body = 'x'")
        body = client.get(job).json()
        assert (body["status"], body["error"]["message"]) == ("failed", UNREADABLE.message)
        assert client.get("/v1/jobs").json()["data"][0]["status"] == "failed"


@pytest.mark.parametrize("presentation", ["{}", "no json", '{"fields": {"of_the_future": 1}, "rich": null}'])
def test_a_result_whose_presentation_cannot_be_read_is_shown_in_the_usual_way(
    start: Start, tmp_path: Path, presentation: str
) -> None:
    with start(FakeRecognizer(ModelSpec("fake"))).client() as client:
        job = submit(client, response_format="srt")
        assert eventually(lambda: state(client, job) == "completed")
        quoted = presentation.replace("'", "''")
        spoil(tmp_path, f"UPDATE jobs SET wanted = json_set(wanted, '$.presentation', '{quoted}')")
        assert client.get(job).json()["result"]["text"] == "1.0 seconds"
        assert client.get(f"{job}/result", params={"response_format": "text"}).text == "1.0 seconds\n"


@pytest.mark.parametrize("method", ["begin_next", "complete", "add_segment"])
def test_the_worker_outlives_whatever_the_store_raises(
    start: Start, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    works, failing = getattr(JobStore, method), [True]

    def fail(*args: Any, **kwargs: Any) -> Any:
        if failing[0]:
            raise ZeroDivisionError("as nobody expects")
        return works(*args, **kwargs)

    monkeypatch.setattr(JobStore, method, fail)
    with start(FakeRecognizer(ModelSpec("fake"))).client() as client:
        job = submit(client)
        assert eventually(lambda: "ZeroDivisionError" in caplog.text)
        if method == "begin_next":
            assert eventually(lambda: "No job can be begun" in client.get("/ready").json().get("jobs", ""))
            failing[0] = False
            assert eventually(lambda: state(client, job) == "completed")
            assert "jobs" not in client.get("/ready").json()
            assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
        failing[0] = False
        another = submit(client)
        assert eventually(lambda: state(client, another) == "completed")


def test_an_administrator_is_told_of_a_job_by_an_odd_name(start: Start, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"somebody's")
    with start(FakeRecognizer(ModelSpec("fake"), gate=Turnstile())).client() as client:
        submit(client), submit(client)
        spoil(tmp_path, "UPDATE jobs SET id = '../outside' WHERE number = 2")
        assert client.get("/v1/jobs").json()["data"][0]["id"] == "../outside"
        assert client.get("/v1/jobs/..%2Foutside").json()["error"]
    assert outside.read_bytes() == b"somebody's"
