"""A server's own process: its log, its listener for metrics, its signals to stop and to reload."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.processes.packages import install_plugin
from support.processes.server_processes import clean_environment
from support.waiting import eventually

GOVOR = (sys.executable, "-m", "govor")

SLOW = """
import sys
import govor

class Slow:
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        print("at work", flush=True)
        sys.stdin.readline()
        return [[govor.Segment("done")] for audio in batch]

    def close(self):
        pass

class Family:
    def models(self):
        return [govor.ModelSpec("slow")]

    def load(self, spec, folder, runtime):
        return Slow()

@govor.hookimpl
def backend(settings):
    return Family()
"""


class Process:
    """A server whose log is collected while it runs."""

    def __init__(self, popen: Any, config: Path):
        self._popen = popen
        self.config = config
        self.url = ""
        self.said: list[str] = []
        self.log: list[str] = []
        self._threads = [threading.Thread(target=self._gather, args=pair) for pair in self._streams()]
        for thread in self._threads:
            thread.start()

    def _streams(self) -> Iterator[tuple[Any, list[str]]]:
        yield self._popen.stdout, self.said
        yield self._popen.stderr, self.log

    @staticmethod
    def _gather(stream: Any, lines: list[str]) -> None:
        lines.extend(line.rstrip("\n") for line in stream)

    def wait_for(self, pattern: str, lines: list[str] | None = None) -> str:
        """Return the line that matches the pattern, once it is there."""
        lines = self.log if lines is None else lines
        assert eventually(lambda: any(re.search(pattern, line) for line in lines), 30), self.log
        return next(line for line in lines if re.search(pattern, line))

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def answer(self) -> None:
        """Let the slow model continue."""
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def ended(self, seconds: float = 10) -> int:
        code = int(self._popen.wait(seconds))
        for thread in self._threads:
            thread.join(seconds)
        assert not any("Traceback" in line for line in self.log), self.log
        return code

    def kill(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            stream.close()


@pytest.fixture
def started(tmp_path: Path, models_dir: Path) -> Iterator[Callable[..., Process]]:
    """Start `govor serve` on a free port, with a slow model; `toml` is its configuration."""
    running: list[Process] = []
    install_plugin(tmp_path / "site", "slow", SLOW)

    def start(*args: str, toml: str = "", **env: str) -> Process:
        config = tmp_path / "plugins.toml"
        config.write_text(toml, encoding="utf-8")
        own = {"PYTHONPATH": str(tmp_path / "site"), "GOVOR_MODELS_DIR": str(models_dir)}
        command = [*GOVOR, "--config", str(config), "serve", "--port", "0"]
        pipe = subprocess.PIPE
        popen = subprocess.Popen(
            [*command, "--preload", "", *args],
            env={**clean_environment(), **own, "GOVOR_DATA_DIR": str(tmp_path / "data"), **env},
            cwd=tmp_path,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        process = Process(popen, config)
        running.append(process)
        process.url = process.wait_for(r"listens on", process.said).split()[3]
        return process

    yield start
    for process in running:
        process.kill()


@pytest.fixture
def post(samples: Path) -> Iterator[Callable[..., Future[httpx.Response]]]:
    """Send a recording in a thread."""
    content = (samples / "ru_short.wav").read_bytes()

    def send(url: str, model: str, fields: dict[str, str]) -> httpx.Response:
        files = {"file": ("ru.wav", content)}
        data = {"model": model, **fields}
        return httpx.post(f"{url}/v1/audio/transcriptions", files=files, data=data, timeout=60)

    with ThreadPoolExecutor(4) as threads:
        yield lambda process, model="slow", **fields: threads.submit(send, process.url, model, fields)


def test_the_access_log_names_client_status_model_and_audio_but_no_query(started: Any, post: Any) -> None:
    process = started()
    assert post(process, "echo").result().status_code == 200
    line = process.wait_for("POST /v1/audio/transcriptions")
    assert re.search(
        r" INFO +127\.0\.0\.1 POST \S+ 200 in \d+\.\d{3} s, echo, 2\.8 s of audio, id [0-9a-f]{32}$", line
    )
    httpx.get(f"{process.url}/nowhere%0Aforged?api_key=secret", headers={"x-request-id": "mine"})
    line = process.wait_for("GET /nowhere")
    assert line.endswith("GET /nowhere%0Aforged 404 in " + line.split(" 404 in ")[1])
    assert line.endswith(", not_found, id mine")
    httpx.get(f"{process.url}/health")
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    assert not any("secret" in line or "/health" in line for line in process.log)


def test_the_log_as_json_has_an_object_per_line_hypercorns_too(started: Any, post: Any) -> None:
    process = started("--log-json", "--log-level", "debug", GOVOR_LOG_LEVEL="info")
    answer = post(process, "echo").result()
    process.wait_for("/v1/audio/transcriptions")
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    lines = [json.loads(line) for line in process.log]
    access = next(line for line in lines if line["logger"] == "govor.access")
    assert access["request_id"] == answer.headers["x-request-id"]
    assert (access["status"], access["model"], access["method"]) == (200, "echo", "POST")
    assert access["route"] == "/v1/audio/transcriptions"
    assert access["audio_seconds"] == pytest.approx(2.8, abs=0.1)
    assert {"time", "level", "message"} <= access.keys()


def test_metrics_may_have_a_listener_of_their_own(started: Any, post: Any, free_port: int) -> None:
    process = started("--metrics", "separate", "--metrics-bind", str(free_port), GOVOR_API_KEYS="sk")
    assert httpx.get(f"{process.url}/metrics", headers={"x-api-key": "sk"}).status_code == 404
    found = httpx.get(f"http://127.0.0.1:{free_port}/metrics")
    assert found.status_code == 200
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "govor_http_requests_total" in found.text
    assert httpx.get(f"http://127.0.0.1:{free_port}/v1/models").status_code == 404
    for stranger in ({"host": "evil.example:9090"}, {"origin": "https://evil.example"}):
        refused = httpx.get(f"http://127.0.0.1:{free_port}/metrics", headers=stranger)
        assert refused.status_code == 403
        assert "govor_" not in refused.text
    process.signal(signal.SIGTERM)
    assert process.ended() == 0


def test_a_taken_port_for_metrics_is_one_line(tmp_path: Path, models_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        args = ("serve", "--port", "0", "--metrics", "separate", "--metrics-bind", port)
        env = {**clean_environment(), "GOVOR_MODELS_DIR": str(models_dir)}
        result = subprocess.run(
            [*GOVOR, *args], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
    assert result.returncode == 1
    assert result.stderr.endswith("Address already in use. Choose another --metrics-bind.\n")


def test_while_it_stops_new_work_is_refused_and_old_work_ends(started: Any, post: Any) -> None:
    process = started()
    under_way = post(process)
    process.wait_for("at work", process.said)
    process.signal(signal.SIGTERM)
    process.wait_for("Stopping")
    refused = post(process, "echo").result()
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "shutting_down")
    assert refused.headers["connection"] == "close"
    ready = httpx.get(f"{process.url}/ready")
    assert (ready.status_code, ready.json()["reason"]) == (503, "shutting_down")
    assert httpx.get(f"{process.url}/health").status_code == 200
    process.answer()
    assert under_way.result(30).json()["text"] == "done"
    assert process.ended() == 0


def test_streams_get_an_error_when_the_drain_is_over(started: Any, post: Any) -> None:
    process = started("--drain-seconds", "0.5", "--keep-alive-seconds", "0.1")
    stream = post(process, stream="true")
    whole = post(process, "slow")
    process.wait_for("at work", process.said)
    process.signal(signal.SIGTERM)
    process.wait_for("requests under way are ended")
    told = stream.result(30)
    assert told.status_code in (200, 503)
    assert "shutting_down" in told.text
    assert "[DONE]" not in told.text
    assert whole.result(30).status_code == 503
    assert process.ended() == 0


def test_a_job_that_was_stopped_waits_for_the_next_server(started: Any, post: Any) -> None:
    process = started("--drain-seconds", "0")
    job = post(process, background="true").result().json()["id"]
    process.wait_for("at work", process.said)
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    again = started()
    again.wait_for("at work", again.said)
    again.answer()
    found = f"{again.url}/v1/jobs/{job}"
    assert eventually(lambda: httpx.get(found).json()["status"] == "completed", 30)


def test_a_hangup_takes_in_what_may_change_and_names_what_may_not(started: Any, post: Any) -> None:
    process = started(toml='[aliases]\nold = "echo"\n')
    assert post(process, "old").result().status_code == 200
    assert post(process, "new").result().status_code == 404
    changed = 'api_keys = ["sk"]\nmax_upload_mb = 1\nmax_queue = 5\n[aliases]\nnew = "echo"\n'
    process.config.write_text(changed, encoding="utf-8")
    process.signal(signal.SIGHUP)
    line = process.wait_for("Read the configuration again")
    assert line.endswith("changed: api_keys, aliases, max_queue")
    assert process.wait_for("Only a restart changes").endswith("changes: max_upload_mb")
    assert post(process, "new").result().status_code == 401
    models = httpx.get(f"{process.url}/v1/models/new", headers={"x-api-key": "sk"})
    assert (models.status_code, models.json()["id"]) == (200, "new")
    assert httpx.get(f"{process.url}/v1/models/old", headers={"x-api-key": "sk"}).status_code == 404


def test_after_a_hangup_with_a_wrong_file_all_stays_as_it_was(started: Any, post: Any) -> None:
    process = started(toml='[aliases]\nmine = "echo"\n')
    process.config.write_text("max_queue = -1\n", encoding="utf-8")
    process.signal(signal.SIGHUP)
    assert "max_queue" in process.wait_for("The configuration stays as it was")
    assert post(process, "mine").result().status_code == 200


def test_without_a_key_other_machines_are_warned_of(started: Any) -> None:
    process = started("--host", "0.0.0.0")
    assert "client that reaches 0.0.0.0 can use this server" in process.wait_for("client that reaches")
