"""Clients are told what of their recording was not heard, in every answer that has room for it."""

from __future__ import annotations

import json

import pytest

from support.processes.servers import Server
from support.sound import media
from support.waiting import eventually


def with_hole() -> bytes:
    whole = media.encode([media.tone(4)], 48_000, "webm", "libopus")
    return media.altered(whole, "webm", lambda n, packet: None if 50 <= n < 100 else bytes(packet))


TOLD = {
    "code": "missing",
    "message": "1.0 s between 1.0 s and 2.0 s are missing in the file.",
    "start": pytest.approx(1, abs=0.03),
    "end": pytest.approx(2, abs=0.03),
}


def test_verbose_json_tells_what_was_not_heard(server: Server) -> None:
    answer = server.post(with_hole(), model="echo", response_format="verbose_json")
    assert answer.json()["warnings"] == [TOLD]
    assert answer.json()["duration"] == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "vtt", "verbose_json"])
def test_a_header_names_the_kinds_in_every_format(server: Server, response_format: str) -> None:
    answer = server.post(with_hole(), model="echo", response_format=response_format)
    assert answer.headers["x-govor-warnings"] == "missing"


def test_the_last_event_of_a_stream_tells_what_was_not_heard(server: Server) -> None:
    answer = server.post(with_hole(), model="echo", stream="true")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert events[-1]["warnings"] == [TOLD]
    assert "x-govor-warnings" not in answer.headers


def test_nothing_is_told_of_a_recording_that_was_heard(server: Server) -> None:
    answer = server.post(media.wav(media.tone(2)), model="echo", response_format="verbose_json")
    assert "warnings" not in answer.json()
    assert "x-govor-warnings" not in answer.headers


def test_the_result_of_a_job_tells_what_was_not_heard(server: Server) -> None:
    job = server.post(with_hole(), model="echo", background="true").headers["location"]
    with server.client() as client:
        assert eventually(lambda: client.get(job).json()["status"] == "completed")
        result = client.get(f"{job}/result", params={"response_format": "verbose_json"})
    assert result.json()["warnings"] == [TOLD]
    assert result.headers["x-govor-warnings"] == "missing"
