"""Check an installed Govor: a server and the command line, with a little of everything.

Run by `make test-versions` with the Python of each environment. Needs an installation only, no pytest.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from miniature.halves import widen_folder

SAMPLES = Path(__file__).parents[1] / "data"
RECORDING = SAMPLES / "ru_short.wav"
TEXT: str = json.loads((SAMPLES / "transcripts.json").read_text(encoding="utf-8"))[RECORDING.name]["text"]
MINIATURE = Path(__file__).parents[1] / "miniature/models/v3_ctc"
FORMATS = (("mp3", "mp3"), ("ogg", "libopus"), ("flac", "flac"), ("mp4", "aac"), ("webm", "libopus"))
SECONDS = 300
BIG_BYTES = 8_000_000
PIECE = 64_000


def main() -> None:
    """Try everything in turn; the first failure ends it with a traceback."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment(Path(folder))
        terminal_works(env)
        widen_folder(MINIATURE, Path(folder) / "miniature")
        with serving(env) as url, httpx.Client(base_url=url, timeout=SECONDS) as client:
            plugins_are_ready(client)
            formats_are_read(client)
            families_answer(client)
            answers_have_their_shapes(client)
            bodies_arrive_in_pieces(client)
            jobs_are_done(client)
            pages_are_there(client)
    print("works")


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user who has only this installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOVOR_", "PYTHON"))}
    places = {"HOME": str(folder), "TMPDIR": str(folder), "GOVOR_OFFLINE": "1", "NO_COLOR": "1"}
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        kept.pop(name, None)
    own = {"models": [{"id": "miniature", "folder": str(folder / "miniature")}]}
    return {**kept, **places, "GOVOR_PLUGINS": json.dumps({"gigaam-onnx": own, "wyoming": {"port": 0}})}


@contextmanager
def serving(env: dict[str, str]) -> Iterator[str]:
    """Run `govor serve` on a free port; it must end cleanly when it is asked to."""
    command = [sys.executable, "-m", "govor", "serve", "--port", "0", "--metrics", "main"]
    with subprocess.Popen(command, env=env, cwd=env["HOME"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = next(line for line in server.stdout if "http://" in line)
            yield re.findall(r"http://\S+:\d+", said)[0]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(SECONDS)
    assert server.returncode == 0, server.returncode


def terminal_works(env: dict[str, str]) -> None:
    """A text, the lists, and errors without a traceback."""
    assert govor(env, "transcribe", str(RECORDING)).stdout.strip() == TEXT
    for command in (("--version",), ("models", "--all"), ("plugins",), ("serve", "--help")):
        assert govor(env, *command).stdout, command
    wrong = govor(env, "transcribe", __file__, expected=1)
    assert "Traceback" not in wrong.stderr, wrong.stderr


def govor(env: dict[str, str], *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    command = [sys.executable, "-m", "govor", *arguments]
    ran = subprocess.run(
        command, env=env, cwd=env["HOME"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ran.returncode == expected, (arguments, ran.stdout, ran.stderr)
    return ran


def plugins_are_ready(client: httpx.Client) -> None:
    """All installed plugins are ready."""
    plugins = client.get("/v1/plugins").json()["data"]
    assert len(plugins) > 1
    assert all(plugin["state"] == "ready" and not plugin.get("reason") for plugin in plugins), plugins
    models = {model["id"] for model in client.get("/v1/models").json()["data"]}
    assert {"whisper-base", "echo"} <= models, models


def formats_are_read(client: httpx.Client) -> None:
    """Every usual container gives the same text, or nearly; other files are refused as such."""
    assert heard(client, RECORDING.read_bytes(), "whisper-base") == TEXT
    for container, codec in FORMATS:
        assert re.fullmatch(r"2\.[678] seconds\.", heard(client, encoded(container, codec), "echo")), (
            container
        )
    files = {"file": ("a.wav", b"no sound at all" * 100)}
    refused = client.post("/v1/audio/transcriptions", files=files)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_audio"), refused.text


def heard(client: httpx.Client, recording: bytes, model: str) -> str:
    """Return the text for a form."""
    answer = client.post("/v1/audio/transcriptions", files={"file": ("a", recording)}, data={"model": model})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])


def encoded(container: str, codec: str) -> bytes:
    """Return the recording in another format."""
    with wave.open(str(RECORDING)) as file:
        pcm, rate = np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        track: Any = target.add_stream(codec, rate=48_000)
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(track.format.name, track.layout.name, 48_000, track.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            target.mux(track.encode(part))
        target.mux(track.encode(None))
    return out.getvalue()


def families_answer(client: httpx.Client) -> None:
    """Each family with a model here gives a text."""
    assert heard(client, RECORDING.read_bytes(), "miniature")
    assert "the" in heard(client, (SAMPLES / "en.wav").read_bytes(), "moonshine-tiny-en").lower()


def answers_have_their_shapes(client: httpx.Client) -> None:
    """Subtitles, times, speech, and a stream that ends."""
    form = {"files": {"file": ("a.wav", RECORDING.read_bytes())}}
    path = "/v1/audio/transcriptions"
    subtitles = client.post(path, **form, data={"response_format": "srt", "model": "echo"})
    assert subtitles.text.startswith("1\n00:00:0"), subtitles.text
    wanted = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
    words = client.post(path, **form, data=wanted).json()["words"]
    assert len(words) == len(TEXT.split()), words
    with client.stream("POST", path, **form, data={"stream": "true"}) as answer:
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    assert events[-1]["type"] == "transcript.text.done", events
    assert "".join(event.get("delta", "") for event in events) == events[-1]["text"] == TEXT
    assert client.post("/v1/audio/speech/timestamps", **form).status_code == 200


def bodies_arrive_in_pieces(client: httpx.Client) -> None:
    """Large forms, bodies without a length, and a body that is too large."""
    silent = RECORDING.read_bytes() + bytes(BIG_BYTES)
    assert heard(client, silent, "echo").endswith("seconds.")

    def pieces(data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]

    whole = client.post("/v1/transcribe", content=pieces(RECORDING.read_bytes()))
    assert whole.status_code == 200, whole.text
    assert whole.json()["text"] == TEXT
    large = client.post("/v1/models", content=pieces(bytes(BIG_BYTES)))
    assert large.status_code == 413, large.text


def jobs_are_done(client: httpx.Client) -> None:
    """A job is accepted, done and fetched; its events end with it."""
    taken = client.post(
        "/v1/audio/transcriptions",
        files={"file": ("a.wav", RECORDING.read_bytes())},
        data={"background": "true"},
    )
    assert taken.status_code == 202, taken.text
    job = taken.json()["id"]
    with client.stream("GET", f"/v1/jobs/{job}/events") as events:
        assert "transcript.text.done" in events.read().decode()
    assert client.get(f"/v1/jobs/{job}/result").json()["text"] == TEXT


def pages_are_there(client: httpx.Client) -> None:
    """The document of the API, its page, probes and metrics."""
    document = client.get("/openapi.json").json()
    assert document["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]
    for address in re.findall(r'(?:href|src)="([^"]+)"', client.get("/docs").text):
        assert client.get(str(httpx.URL("/docs").join(address))).status_code == 200, address
    assert client.get("/ready").status_code == 200
    assert "govor_transcriptions_total" in client.get("/metrics").text
    assert client.get("/v1/nowhere").json()["error"]["code"] == "not_found"


if __name__ == "__main__":
    main()
