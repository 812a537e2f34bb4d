"""Recordings made to do harm, by every route that takes one: a 400 each, and nobody else notices."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from govor.audio.decoding.recording import Recording
from govor.engine.model_pool.process_memory import give_back, resident_bytes
from govor.errors import InvalidAudio
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, hum, plugins_of
from support.processes.servers import Server
from support.sound import hostile, media
from support.sound.fuzzing import damaged, sound_files
from support.waiting import eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")

FORMS = (
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/speech/timestamps",
    "/v1/audio/detect",
    "/api/v1/audio/transcriptions",
    "/inference",
    "/v1/transcribe",
    "/v1/transcribe/stream",
)
FILES = {
    "a rate of 250 MHz": hostile.odd_rate(),
    "a title of 2 GB": hostile.lying_title(),
    "changes of rate": hostile.changing_rate(200),
    "a format of games": hostile.adx(),
    "a negative size": hostile.before_the_beginning(),
}
SPOKEN = "2.7 seconds."
"""The text of `echo` for tests/data/ru_short.wav."""

PATIENCE_SECONDS = 600
FUZZ_FILES = int(os.environ.get("FUZZ_FILES", "300"))


@pytest.mark.parametrize("route", FORMS)
@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_every_route_refuses_them(content: bytes, route: str, server: Server) -> None:
    model = "whisper-base" if route.endswith(("translations", "detect")) else "echo"
    with server.client() as client:
        answer = client.post(route, files={"file": ("a.wav", content)}, data={"model": model})
    if route.endswith("/stream"):
        assert answer.status_code in {200, 400, 422}
        assert b"error" in answer.content
    else:
        assert answer.status_code in {400, 422}, answer.text
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_job_refuses_them_too(content: bytes, server: Server) -> None:
    with server.client() as client:
        files = {"file": ("a.wav", content)}
        answer = client.post("/v1/audio/transcriptions", files=files, data={"background": "true"})
    assert answer.is_client_error


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_reference_refuses_them_too(content: bytes, serve: Callable[..., Server]) -> None:
    plugins = plugins_of(Settings(), fake=FakeBackend(), vad=FakeDetector(), voices=FakeDiarizer())
    server = serve(plugins, default_models=("fake",), preload=())
    reference = f"data:audio/wav;base64,{base64.b64encode(content).decode()}"
    fields = {"known_speaker_names[]": "A", "known_speaker_references[]": reference}
    answer = server.post(media.wav(hum(1.0)), response_format="diarized_json", **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "known_speaker_references")


def test_a_crash_in_a_decoder_ends_that_request_and_no_other(
    serve: Callable[..., Server], tmp_path: Path, samples: Path
) -> None:
    server, path = serve(max_audio_seconds=0), samples / "ru_short.wav"
    assert server.post(path, model="echo").json()["text"] == SPOKEN
    with Recording(media.write_hours(tmp_path / "long.wav", 36_000), server.service.decoders) as victim:
        blocks = victim.blocks()
        next(blocks)
        (process,) = [one for one in media.family(os.getpid()) if media.opens(one, tmp_path / "long.wav")]
        with ThreadPoolExecutor(4) as threads:
            bystanders = [threads.submit(server.post, path, model="echo") for _ in range(8)]
            os.kill(process, signal.SIGFPE)
            with pytest.raises(InvalidAudio, match="SIGFPE"):
                list(blocks)
            assert {one.result().json()["text"] for one in bystanders} == {SPOKEN}
    with server.client() as client:
        assert client.get("/health").is_success


def test_the_terminal_reports_them_and_goes_on(tmp_path: Path, samples: Path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(len(FILES) + 1)]
    good = (samples / "ru_short.wav").read_bytes()
    for path, content in zip(paths, [*FILES.values(), good], strict=True):
        path.write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-m", "govor", "transcribe", "-m", "echo", *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert ran.returncode == 1
    assert ran.stdout.endswith(f"<==\n{SPOKEN}\n")
    assert ran.stdout.count("==>") == 1
    assert ran.stderr.count("govor: ") == len(FILES)
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_damaged_files_get_an_answer_each_and_spoil_no_other(
    serve: Callable[..., Server], samples: Path
) -> None:
    server, files = serve(max_queue=0), sound_files()

    def attack(number: int) -> int:
        """Send one; a header that lies may make hours of it, which take their time on a busy machine."""
        form = {"data": {"model": "echo"}, "files": {"file": damaged(files, number)}}
        address = f"{server.url}/v1/audio/transcriptions"
        return httpx.post(address, timeout=PATIENCE_SECONDS, **form).status_code

    def use(number: int) -> str:
        return server.post(samples / "ru_short.wav", model="echo").json()["text"]

    def go_through(numbers: range) -> int:
        """Send all these files, and return the memory that stays."""
        for first in range(numbers.start, numbers.stop, 250):
            statuses = attackers.map(attack, numbers[first - numbers.start :][:250])
            texts.update(users.map(use, range(50)))
            counted.update(statuses)
            print(f"{first} and 250: {dict(counted)}, {dict(texts)}", flush=True)
        give_back()
        return resident_bytes() or 0

    counted, texts = Counter[int](), Counter[str]()
    with ThreadPoolExecutor(4) as attackers, ThreadPoolExecutor(2) as users:
        before = go_through(range(FUZZ_FILES // 2))
        after = go_through(range(FUZZ_FILES // 2, FUZZ_FILES))
    print(f"\n{dict(counted)}, faults {dict(server.service.decoders.faults)}")
    print(f"bystanders {dict(texts)}, memory {before} -> {after}")
    assert counted.total() == FUZZ_FILES
    assert set(counted) <= {200, 400}
    assert min(counted.values()) > FUZZ_FILES / 10
    assert set(texts) == {SPOKEN}
    assert after < 1.05 * before
    assert eventually(lambda: len(media.family(server.service.decoders.server_id or 0)) <= 6)
