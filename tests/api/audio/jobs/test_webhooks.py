"""Webhooks: signed as Standard Webhooks has it, sent again until they arrive, never to a private host."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.engine.service import IO_THREADS
from govor.jobs import webhooks
from govor.jobs.webhooks import sign
from support.clients.receivers import Received, Receiver, receiving
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ALLOWED = {"preload": (), "webhook_secret": SECRET, "webhook_urls": "any"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def submit(server: Any, url: str, **fields: str) -> httpx.Response:
    data = {"model": "echo", "background": "true", "webhook_url": url, **fields}
    with server.client() as client:
        return client.post(URL, files={"file": ("a.wav", media.silence(2))}, data=data)


def verify(request: Received) -> None:
    """Check the signature as a receiver does."""
    stamp, message = request.headers["webhook-timestamp"], request.headers["webhook-id"]
    content = f"{message}.{stamp}.".encode() + request.body
    key = b64decode(SECRET.removeprefix("whsec_"))
    expected = b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_is_that_of_the_specifications_example() -> None:
    headers = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_finished_job_is_told_with_a_signature(serve: Any, receiver: Receiver) -> None:
    server = serve(**ALLOWED)
    job = submit(server, f"{receiver.url}/hook?a=1").json()
    assert eventually(lambda: len(receiver.requests) == 1)
    (request,) = receiver.requests
    verify(request)
    told = json.loads(request.body)
    assert (request.method, request.path) == ("POST", "/hook?a=1")
    assert request.headers["content-type"] == "application/json"
    assert (told["type"], told["data"]["id"]) == ("transcription.job.completed", job["id"])
    assert told["data"]["status"] == "completed"
    assert "result" not in told["data"]


def test_a_message_that_does_not_arrive_is_sent_again_the_same_also_by_the_next_server(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.05, 2.0, 0.05))
    statuses = iter([500, 302, 500, 204])
    with receiving(lambda request: (next(statuses), {"Location": "/elsewhere"}, b"")) as receiver:
        first = serve(data_dir=tmp_path, **ALLOWED)
        submit(first, receiver.url)
        assert eventually(lambda: len(receiver.requests) == 2)
        with first.client() as client:
            assert client.get("/v1/jobs").json()["data"][0]["status"] == "completed"
        assert first.stop()
        serve(data_dir=tmp_path, **ALLOWED)
        assert eventually(lambda: len(receiver.requests) == 4)
    for request in receiver.requests:
        verify(request)
    assert {request.path for request in receiver.requests} == {"/"}
    assert len({(request.headers["webhook-id"], request.body) for request in receiver.requests}) == 1


@pytest.mark.parametrize(
    "settings", [{"offline": True}, {"webhook_urls": "off"}, {"webhook_secret": ""}], ids=str
)
def test_a_message_that_the_next_server_may_not_send_is_not_sent(
    settings: dict[str, Any],
    serve: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.5,))
    caplog.set_level(logging.INFO)
    with receiving(lambda request: (500, {}, b"")) as receiver:
        first = serve(data_dir=tmp_path, **ALLOWED)
        submit(first, receiver.url)
        assert eventually(lambda: "will be sent again" in caplog.text)
        assert first.stop()
        serve(data_dir=tmp_path, **{**ALLOWED, **settings})
        assert eventually(lambda: "given up: 'webhook_url' is not taken here" in caplog.text)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [500, 410])
def test_a_receiver_that_never_says_yes_is_given_up(
    status: int, serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.01, 0.01))
    with receiving(lambda request: (status, {}, b"")) as receiver:
        submit(serve(**ALLOWED), receiver.url)
        assert eventually(lambda: "given up" in caplog.text)
    assert len(receiver.requests) == (1 if status == 410 else 3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"preload": ()}, "webhook_secret"),
        ({**ALLOWED, "webhook_urls": "off"}, "'webhook_urls'"),
        ({**ALLOWED, "webhook_urls": "public"}, "'webhook_urls' must be"),
        ({**ALLOWED, "offline": True}, "'offline'"),
    ],
)
def test_a_webhook_that_may_not_be_sent_is_refused_when_the_job_is_handed_in(
    settings: dict[str, Any], said: str, serve: Any, receiver: Receiver
) -> None:
    refused = submit(serve(**settings), receiver.url)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (403, "url_not_allowed", "webhook_url")
    assert said in error["message"]


def test_names_that_are_slow_to_be_found_keep_nobody_else_waiting(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    found, asked = threading.Event(), threading.Semaphore(0)
    known = socket.getaddrinfo

    def slow(host: str, *args: Any, **kwargs: Any) -> Any:
        if host != "slow.example":
            return known(host, *args, **kwargs)
        asked.release()
        found.wait(20)
        raise OSError("not found")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    server = serve(**ALLOWED, max_queue=0)
    with ThreadPoolExecutor(IO_THREADS) as threads:
        waiting = [threads.submit(submit, server, "http://slow.example/") for _ in range(IO_THREADS)]
        try:
            for _ in range(16):
                assert asked.acquire(timeout=10)
            assert eventually(lambda: server.service.admission.inside == IO_THREADS)
            with server.client() as client:
                files, data = {"file": ("a.wav", media.silence(2))}, {"model": "echo"}
                assert client.post(URL, files=files, data=data, timeout=5).status_code == 200
        finally:
            found.set()
        assert {answer.result().status_code for answer in waiting} == {400}


def test_a_webhook_without_a_job_is_refused(serve: Any, receiver: Receiver) -> None:
    refused = submit(serve(**ALLOWED), receiver.url, background="false")
    assert refused.json()["error"]["param"] == "webhook_url"


def test_a_host_that_becomes_private_after_the_job_was_handed_in_is_not_called(
    serve: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", ())
    answers = iter([True])
    monkeypatch.setattr("govor.outbound.addresses.is_public", lambda address: next(answers, False))
    assert submit(serve(**{**ALLOWED, "webhook_urls": "public"}), receiver.url).status_code == 202
    assert eventually(lambda: "given up" in caplog.text)
    assert receiver.requests == []
