"""A recording by its address: fetched where the operator allows it, and never from a private host."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.engine.service import FETCHERS, IO_THREADS
from support.clients.receivers import Answer, Received, Receiver, receiving
from support.disks import cramped
from support.sound import media
from support.waiting import eventually, soon

URL = "/v1/audio/transcriptions"
SPEECH = media.silence(2)


def answer(request: Received) -> Answer:
    match request.path:
        case "/moved":
            return 302, {"Location": "/a.wav"}, b""
        case "/moved-inside":
            return 302, {"Location": "http://127.0.0.2:1/a.wav"}, b""
        case "/loop":
            return 302, {"Location": "/loop"}, b""
        case "/moved-to-file":
            return 302, {"Location": "file:///etc/passwd"}, b""
        case "/moved-nowhere":
            return 302, {"Location": "http://[half"}, b""
        case "/missing":
            return 404, {}, b"no"
        case "/torn":
            return 200, {"Content-Length": str(len(SPEECH) + 9)}, SPEECH
        case "/large":
            return 200, {}, bytes(2_000_000)
    return 200, {}, SPEECH


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answer) as receiver:
        yield receiver


def ask(server: Any, url: str, *, prefer_later: bool = False, **fields: Any) -> httpx.Response:
    files = {"model": (None, "echo"), "file_url": (None, url), **{key: (None, fields[key]) for key in fields}}
    headers = {"Prefer": "respond-async"} if prefer_later else {}
    with server.client() as client:
        return client.post(URL, files=files, headers=headers)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_recording_is_fetched_and_transcribed_and_nothing_stays(
    serve: Any, receiver: Receiver, tmp_path: Path
) -> None:
    server = serve(preload=(), file_urls="any", spool_dir=tmp_path)
    for path in ("/a.wav?x=%20y", "/moved"):
        response = ask(server, receiver.url + path, response_format="verbose_json")
        assert response.status_code == 200, response.text
        assert response.json()["duration"] == 2
    assert receiver.requests[0].path == "/a.wav?x=%20y"
    assert receiver.requests[0].headers["host"] == f"127.0.0.1:{receiver.port}"
    assert list(tmp_path.iterdir()) == []


def test_a_job_may_have_its_recording_fetched(serve: Any, receiver: Receiver) -> None:
    response = ask(serve(preload=(), file_urls="any"), f"{receiver.url}/a.wav?key=secret", background="true")
    assert response.status_code == 202
    assert response.json()["progress"]["seconds_total"] == 2
    assert response.json()["filename"] == "a.wav"


def test_no_address_is_called_unless_the_operator_says_so(serve: Any, receiver: Receiver) -> None:
    for settings, name in (({}, "file_urls"), ({"file_urls": "any", "offline": True}, "offline")):
        response = ask(serve(preload=(), **settings), f"{receiver.url}/a.wav")
        assert code(response) == (403, "url_not_allowed")
        assert f"'{name}'" in response.json()["error"]["message"]
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_private_host_is_not_called_unless_the_operator_says_any(
    host: str, serve: Any, receiver: Receiver
) -> None:
    response = ask(serve(preload=(), file_urls="public"), f"http://{host}:{receiver.port}/a.wav")
    assert code(response) == (403, "url_not_allowed")
    assert "'file_urls' must be" in response.json()["error"]["message"]
    assert receiver.requests == []


def test_a_redirection_is_checked_like_the_first_address(
    serve: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loopback stands for the internet here, but for 127.0.0.2."""
    monkeypatch.setattr("govor.outbound.addresses.is_public", lambda address: address == "127.0.0.1")
    server = serve(preload=(), file_urls="public")
    assert ask(server, f"{receiver.url}/moved").status_code == 200
    assert code(ask(server, f"{receiver.url}/moved-inside")) == (403, "url_not_allowed")


def test_what_was_checked_is_what_is_called(
    serve: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked, and this machine a moment later, leads nowhere."""
    import socket

    looked_up: list[str] = []
    known = socket.getaddrinfo

    def rebinding(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host != "rebinding.example":
            return known(host, port, *args, **kwargs)
        looked_up.append(host)
        return known("192.0.2.1" if len(looked_up) > 1 else "127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    response = ask(serve(preload=(), file_urls="any"), f"http://rebinding.example:{receiver.port}/a.wav")
    assert response.status_code == 200
    assert looked_up == ["rebinding.example"]
    assert receiver.requests[0].headers["host"] == f"rebinding.example:{receiver.port}"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/missing", 400, "404"),
        ("/loop", 400, "redirections"),
        ("/moved-to-file", 400, "redirection"),
        ("/moved-nowhere", 400, "redirection"),
        ("/torn", 400, "middle"),
        ("/large", 413, "1 MB"),
    ],
)
def test_what_cannot_be_had_is_told(
    path: str, status: int, said: str, serve: Any, receiver: Receiver, tmp_path: Path
) -> None:
    server = serve(preload=(), file_urls="any", max_upload_mb=1, spool_dir=tmp_path)
    response = ask(server, receiver.url + path)
    assert response.status_code == status
    assert said in response.json()["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_the_disk_has_no_room_for_is_said_so(
    serve: Any, receiver: Receiver, tmp_path: Path
) -> None:
    server = serve(preload=(), file_urls="any", spool_dir=tmp_path)
    for url in (URL, "/v1/audio/diarization"):
        with server.client() as client, cramped(1_000_000):
            refused = client.post(url, files={"file_url": (None, f"{receiver.url}/large")})
        assert code(refused) == (507, "insufficient_storage")
        assert list(tmp_path.iterdir()) == []


def test_recordings_that_do_not_come_keep_nobody_else_waiting(serve: Any) -> None:
    come = threading.Event()

    def late(request: Received) -> Answer:
        come.wait(20)
        return 200, {}, SPEECH

    with receiving(late) as receiver, ThreadPoolExecutor(IO_THREADS) as threads:
        server = serve(preload=(), file_urls="any", max_queue=0)
        asked = [
            threads.submit(ask, server, receiver.url, prefer_later=True, background="true")
            for _ in range(IO_THREADS)
        ]
        try:
            assert eventually(lambda: len(receiver.requests) >= FETCHERS)
            with server.client() as client:
                files = {"model": (None, "echo"), "file": ("a.wav", SPEECH)}
                assert client.post(URL, files=files, timeout=5).status_code == 200
        finally:
            come.set()
        assert {answer.result().status_code for answer in asked} == {202}


def test_slow_addresses_hold_no_place_and_delay_no_good_one(serve: Any) -> None:
    come = threading.Event()

    def slowly(request: Received) -> Answer:
        if request.path == "/late":
            come.wait(20)
        return 200, {}, SPEECH

    with receiving(slowly) as receiver, ThreadPoolExecutor(32) as threads:
        server = serve(preload=(), file_urls="any", max_queue=2, default_models=("echo",))
        late = [threads.submit(ask, server, f"{receiver.url}/late") for _ in range(2)]
        try:
            assert eventually(lambda: len(receiver.requests) == 2)
            late += [threads.submit(ask, server, f"{receiver.url}/late") for _ in range(2)]
            assert eventually(lambda: len(receiver.requests) == 4)
            assert server.service.admission.inside == 0
            with server.client() as client:
                assert client.get("/ready").status_code == 200
            assert server.post(SPEECH).status_code == 200
            assert ask(server, f"{receiver.url}/a.wav").status_code == 200
        finally:
            come.set()
        assert {answer.result().status_code for answer in late} <= {200, 503}


def test_more_addresses_than_are_fetched_at_once_are_refused_and_asked_back(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("govor.engine.service.FETCHERS", 1)
    come = threading.Event()

    def late(request: Received) -> Answer:
        come.wait(20)
        return 200, {}, SPEECH

    with receiving(late) as receiver, ThreadPoolExecutor(1) as threads:
        server = serve(preload=(), file_urls="any", default_models=("echo",))
        first = threads.submit(ask, server, receiver.url)
        try:
            assert eventually(lambda: len(receiver.requests) == 1)
            for fields in ({}, {"prefer_later": True}):
                refused = ask(server, receiver.url, **fields)
                assert code(refused) == (503, "server_busy")
                assert int(refused.headers["retry-after"]) >= 1
            assert server.post(SPEECH).status_code == 200
        finally:
            come.set()
        assert first.result().status_code == 200


async def ask_and_leave(server: Any, receiver: Receiver, clients: int) -> None:
    """Have a recording fetched for so many clients, and leave once the last of them has its fetch."""
    files = {"model": (None, "echo"), "file_url": (None, f"{receiver.url}/late")}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        asked: list[asyncio.Task[httpx.Response]] = []

        def all_fetch() -> bool:
            return len(receiver.requests) == len(asked)

        while len(asked) < clients:  # fewer at once than may wait for their fetch to begin
            asked += [
                asyncio.create_task(client.post(URL, files=files, headers={"Prefer": "respond-async"}))
                for _ in range(16)
            ]
            assert await soon(all_fetch, seconds=50)
        for task in asked:
            task.cancel()
        left = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in left} == {asyncio.CancelledError}


def test_clients_that_leave_while_a_recording_is_fetched_leave_nothing_behind(
    serve: Any, tmp_path: Path
) -> None:
    come = threading.Event()

    def late(request: Received) -> Answer:
        if request.path == "/late":
            come.wait(60)
        return 200, {}, SPEECH

    with receiving(late) as receiver:
        server = serve(preload=(), file_urls="any", spool_dir=tmp_path)
        try:
            asyncio.run(ask_and_leave(server, receiver, FETCHERS))
            assert eventually(lambda: server.service.admission.inside == 0)
            assert eventually(lambda: list(tmp_path.iterdir()) == [])
            assert ask(server, f"{receiver.url}/a.wav").status_code == 200
            assert len(receiver.requests) == FETCHERS + 1
        finally:
            come.set()


def test_a_host_that_is_not_there_is_told(serve: Any, free_port: int) -> None:
    response = ask(serve(preload=(), file_urls="any"), f"http://127.0.0.1:{free_port}/a.wav")
    assert code(response) == (400, "url_failed")


def test_other_faults_are_found_before_anything_is_fetched(serve: Any, receiver: Receiver) -> None:
    server = serve(preload=(), file_urls="any")
    assert code(ask(server, f"{receiver.url}/a.wav", temperature="7")) == (400, "invalid_param")
    assert code(ask(server, "ftp://127.0.0.1/a.wav")) == (400, "invalid_param")
    with server.client() as client:
        files = {"file": ("a.wav", SPEECH), "file_url": (None, f"{receiver.url}/a.wav")}
        assert code(client.post(URL, files=files)) == (400, "invalid_param")
    assert receiver.requests == []


def test_an_urlencoded_form_may_name_a_recording(serve: Any, receiver: Receiver) -> None:
    form = {
        "model": "echo",
        "file_url": f"{receiver.url}/a.wav",
        "response_format": "verbose_json",
        "timestamp_granularities": ["word", "segment"],
    }
    with serve(preload=(), file_urls="any").client() as client:
        answer = client.post(URL, data=form)
    assert answer.status_code == 200
    assert {"words", "segments"} <= set(answer.json())


def test_an_urlencoded_form_without_an_address_has_no_recording(server: Any) -> None:
    with server.client() as client:
        missing = client.post(URL, data={"model": "echo", "file": "a.wav"})
        forbidden = client.post(URL, data={"model": "echo", "file_url": "http://127.0.0.1:1/a.wav"})
        large = client.post(URL, data={"prompt": "a" * 1_100_000})
    assert code(missing) == (400, "missing_file")
    assert code(forbidden) == (403, "url_not_allowed")
    assert large.status_code == 413
