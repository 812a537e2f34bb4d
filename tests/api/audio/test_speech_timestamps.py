"""POST /v1/audio/speech/timestamps: where there is speech."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from govor.contract.models import ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, hum, plugins_of
from support.sound import media

URL = "/v1/audio/speech/timestamps"


def ask(server: Any, content: bytes, **fields: str) -> httpx.Response:
    with server.client() as client:
        return client.post(URL, files={"file": ("a.wav", content)}, data=fields)


def test_speech_between_silences_is_found_to_the_fifth_of_a_second(server: Any, samples: Path) -> None:
    speech, rate = media.read_wav(samples / "ru_short.wav")
    pause = np.zeros(2 * rate, np.float32)
    content = media.wav(np.concatenate([pause, speech, pause, pause, speech, pause]))
    seconds = len(speech) / rate
    found = ask(server, content, threshold="0.5").json()
    assert [set(region) for region in found] == [{"start", "end"}] * 2
    for region, start in zip(found, (2.0, 6.0 + seconds), strict=True):
        assert region["start"] / 1000 == pytest.approx(start, abs=0.5)
        assert region["end"] / 1000 == pytest.approx(start + seconds, abs=0.5)


def test_the_other_base_has_the_route_too(server: Any) -> None:
    with server.client() as client:
        answer = client.post(f"/api{URL}", files={"file": ("a.wav", media.silence(1))})
    assert answer.json() == []


def test_silence_has_no_speech(server: Any) -> None:
    assert ask(server, media.silence(3)).json() == []


def test_padding_and_pauses_are_as_asked(server: Any, samples: Path) -> None:
    content = (samples / "ru.wav").read_bytes()
    many = ask(server, content, min_silence_duration_ms="100").json()
    one = ask(server, content, min_silence_duration_ms="5000", speech_pad_ms="100").json()
    assert len(one) == 1 < len(many)
    assert one[0]["start"] <= many[0]["start"]
    assert ask(server, content, min_speech_duration_ms="60000").json() == []


def test_regions_are_no_longer_than_asked(server: Any, samples: Path) -> None:
    content = (samples / "ru.wav").read_bytes()
    found = ask(server, content, max_speech_duration_s="2", min_silence_duration_ms="5000").json()
    assert len(found) > 1
    assert max(region["end"] - region["start"] for region in found) <= 2000


def test_silence_may_be_told_by_a_probability_of_its_own(server: Any, samples: Path) -> None:
    content = (samples / "ru.wav").read_bytes()
    sure = ask(server, content, neg_threshold="0.01", min_silence_duration_ms="100").json()
    quick = ask(server, content, neg_threshold="0.7", min_silence_duration_ms="100").json()
    assert len(sure) < len(quick)


def test_what_it_does_not_do_is_named(server: Any) -> None:
    answer = ask(server, media.silence(1), model="silero_vad_v5", threshold="0.5", window_size="512")
    assert (answer.status_code, answer.headers["x-govor-ignored"]) == (200, "model, window_size")


@pytest.mark.parametrize("field", ["threshold", "min_silence_duration_ms", "speech_pad_ms"])
def test_a_wrong_value_is_named(server: Any, field: str) -> None:
    answer = ask(server, media.silence(1), **{field: "-1"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


def test_what_is_no_audio_or_too_long_is_refused(server: Any, serve: Any) -> None:
    assert ask(server, b"no audio").json()["error"]["code"] == "invalid_audio"
    short = serve(max_audio_seconds=2, preload=())
    assert ask(short, media.silence(3)).json()["error"]["code"] == "audio_too_long"


def test_what_is_read_counts_as_audio_under_way(serve: Any) -> None:
    model = FakeRecognizer(ModelSpec("fake"), gate=threading.Event())
    backend = FakeBackend(model.spec, recognizer=lambda spec: model)
    server = serve(plugins_of(Settings(), fake=backend, vad=FakeDetector()), preload=(), max_queue_seconds=12)
    with ThreadPoolExecutor(1) as thread:
        transcribing = thread.submit(server.post, media.wav(hum(10)), model="fake")
        assert model.begun.acquire(timeout=10)
        try:
            assert ask(server, media.silence(1)).status_code == 200
            assert ask(server, media.silence(5)).json()["error"]["code"] == "server_busy"
        finally:
            model.gate.set()
        assert transcribing.result().status_code == 200
