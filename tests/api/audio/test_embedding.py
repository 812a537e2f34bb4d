"""POST /vad and POST /v1/audio/speech/embedding: where there is a voice, and whose, without any text."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.api.dialects.localai_vad import AT_ONCE, REST_BYTES
from govor.contract.models import ModelSpec
from govor.contract.recognizers import RecognizerInfo
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, hum, plugins_of
from support.processes.servers import Server
from support.sound import media

EMBEDDING = "/v1/audio/speech/embedding"


def vad(server: Server, body: object, path: str = "/vad") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    with server.client() as client:
        return client.post(path, content=content, headers={"content-type": "application/json"})


@pytest.fixture
def start(serve: Any) -> Any:
    """Start a server with this diarizer; None: none is installed."""

    def with_diarizer(diarizer: object | None) -> Server:
        plugins: dict[str, object] = {"fake": FakeBackend(ModelSpec("fake")), "vad": FakeDetector()}
        if diarizer is not None:
            plugins["voices"] = diarizer
        return serve(plugins_of(Settings(), **plugins), default_models=("fake",), preload=())

    return with_diarizer


def embed(server: Server, content: bytes, **fields: str) -> Any:
    with server.client() as client:
        return client.post(EMBEDDING, files={"file": ("a.wav", content)}, data=fields)


@pytest.mark.parametrize("path", ["/vad", "/v1/vad"])
def test_speech_among_samples_is_told_in_seconds(server: Any, samples: Path, path: str) -> None:
    speech, rate = media.read_wav(samples / "ru_short.wav")
    assert rate == 16_000
    audio = np.concatenate([np.zeros(16_000), speech, np.zeros(16_000)])
    answer = vad(server, {"model": "silero-vad", "audio": [round(float(x), 6) for x in audio]}, path)
    segments = answer.json()["segments"]
    assert segments[0]["start"] == pytest.approx(1.0, abs=0.3)
    assert segments[-1]["end"] == pytest.approx(1.0 + len(speech) / rate, abs=0.5)
    assert answer.headers["x-govor-ignored"] == "model"


def test_no_samples_and_silent_ones_have_no_speech(server: Any) -> None:
    for audio in ([], [0.0] * 16_000):
        assert vad(server, {"audio": audio}).json() == {"segments": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"audio": "x"},
        {"audio": [[1]]},
        {"audio": [True]},
        {"audio": ["1"]},
        {"audio": [10**400]},
        {"audio": [], "model": 5},
        {"a": {"audio": [1]}},
        b"no JSON",
        b'{"audio": [1, two]}',
        b'{"audio": [1, NaN]}',
        b'{"audio": [1,]}',
        b'["audio", [1]]',
        b'{"audio": [1]',
    ],
)
def test_a_body_without_samples_is_refused(server: Any, body: object) -> None:
    answer = vad(server, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_param")


def test_many_samples_are_read_in_pieces_and_each_counts(start: Any) -> None:
    quiet, loud = [0.0] * 50_000, [0.5, -0.5] * 16_000
    (segment,) = vad(start(None), {"audio": [*quiet, *loud, *quiet]}).json()["segments"]
    assert (segment["start"], segment["end"]) == pytest.approx((50 / 16, 82 / 16), abs=0.2)


@pytest.mark.parametrize("wrong", ["two", "NaN", "", "[1]", '"1"'])
def test_one_sample_of_many_that_is_no_number_is_found(server: Any, wrong: str) -> None:
    body = f'{{"audio": [{"0.25, " * 50_000}{wrong}]}}'.encode()
    answer = vad(server, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_param")


def test_no_samples_in_a_long_list_are_none(server: Any) -> None:
    assert vad(server, b'{"audio": [%s]}' % (b" " * 300_000)).json() == {"segments": []}


@pytest.mark.parametrize(
    "body",
    [
        b'{"audio": [0], "x": [%s]}' % b",".join([b"{}"] * 100_000),
        b'{"model": "%s", "audio": []}' % (b"x" * 200_000),
        b'{"audio": [0.%s], "x": 0}' % (b"0" * 400_000),
        b"[" * 200_000,
    ],
)
def test_much_that_is_no_samples_is_refused_unparsed(
    server: Any, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    parse = json.loads
    monkeypatch.setattr(
        "govor.api.dialects.localai_vad.json.loads", lambda text: parsed.append(len(text)) or parse(text)
    )
    answer = vad(server, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_param")
    assert max(parsed, default=0) <= REST_BYTES


@pytest.mark.parametrize(("seconds", "status"), [(120.0, 200), (120.001, 400)])
def test_two_minutes_of_samples_are_heard_and_no_more(start: Any, seconds: float, status: int) -> None:
    body = b'{"audio": [%s]}' % b",".join([b"1"] * round(seconds * 16_000))
    answer = vad(start(None), body)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["code"] == "audio_too_long"


def test_samples_reach_the_detector_in_blocks_of_some_seconds(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = []
    feed = FakeDetector.feed
    monkeypatch.setattr(
        FakeDetector, "feed", lambda self, audio: lengths.append(len(audio)) or feed(self, audio)
    )
    vad(start(None), b'{"audio": [%s]}' % b",".join([b"1"] * 320_000))
    assert len(lengths) > 4
    assert max(lengths) <= 5 * 16_000


def test_two_requests_at_a_time_have_their_samples_searched(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = [], []
    both = threading.Barrier(AT_ONCE)
    feed = FakeDetector.feed

    def slow(self: FakeDetector, audio: Any) -> Any:
        running.append(1)
        most.append(len(running))
        with suppress(threading.BrokenBarrierError):
            both.wait(2)
        running.pop()
        return feed(self, audio)

    monkeypatch.setattr(FakeDetector, "feed", slow)
    server = start(None)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: vad(server, {"audio": []}), range(3 * AT_ONCE)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses, max(most)) == ([200] * 3 * AT_ONCE, AT_ONCE)


def test_a_voice_is_a_vector_of_unit_length(start: Any) -> None:
    body = embed(start(FakeDiarizer()), media.wav(hum(2.0)), model="fake-diarizer").json()
    assert (body["object"], body["model"], body["usage"]["total_tokens"]) == ("list", "fake-diarizer", 32_000)
    (voice,) = body["data"]
    assert (voice["object"], voice["index"]) == ("embedding", 0)
    assert np.linalg.norm(voice["embedding"]) == pytest.approx(1.0, abs=1e-4)


def test_only_the_first_minute_is_heard(start: Any) -> None:
    body = embed(start(FakeDiarizer()), media.wav(hum(70.0))).json()
    assert (body["model"], body["usage"]["prompt_tokens"]) == ("fake-diarizer", 60 * 16_000)


def test_a_vector_needs_a_diarizer_that_gives_it(start: Any) -> None:
    class Close(FakeDiarizer):
        embed = None

        def load(self, *arguments: Any) -> Any:
            return Secretive()

    class Secretive:
        info = RecognizerInfo()

        def voiceprint(self, audio: Any) -> None: ...

        def stream(self, known: Any = ()) -> None: ...

        def close(self) -> None: ...

    for diarizer, says in ((None, "pip install ./backends/diarizer"), (Close(), "no vectors")):
        error = embed(start(diarizer), media.wav(hum(2.0))).json()["error"]
        assert error["code"] == "unsupported_operation"
        assert says in error["message"]


def test_a_model_that_is_no_diarizer_makes_no_vectors(start: Any) -> None:
    answer = embed(start(FakeDiarizer()), media.wav(hum(2.0)), model="non-existent-model")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
