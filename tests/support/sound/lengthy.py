"""Recordings of any length, written piece by piece, and the events of a stream."""

from __future__ import annotations

import io
import json
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av
import httpx
import numpy as np

from fullsize.talk import make_talk
from support.sound.media import Samples

RATE = 16_000
TURN_SECONDS = 60
PAUSE_SECONDS = 5


def write_recording(path: Path, seconds: float) -> Path:
    """Write `seconds` of talk with a pause every minute; the suffix, .wav or .mp3, names the format."""
    pause = np.zeros(PAUSE_SECONDS * RATE, np.float32)
    turn = np.concatenate([make_talk(TURN_SECONDS - PAUSE_SECONDS), pause])
    whole, rest = divmod(round(seconds * RATE), len(turn))
    if path.suffix == ".mp3":
        with path.open("wb") as file:
            frames = mp3(turn)
            for _ in range(whole):
                file.write(frames)
            file.write(mp3(turn[:rest]) if rest else b"")
    else:
        pcm = (np.clip(turn, -1, 1) * 32767).astype(np.int16).tobytes()
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            for _ in range(whole):
                sound.writeframesraw(pcm)
            sound.writeframesraw(pcm[: 2 * rest])
    return path


def mp3(samples: Samples) -> bytes:
    """Encode to frames only: such files may be concatenated."""
    out = io.BytesIO()
    bare = {"write_xing": "0", "id3v2_version": "0"}
    with av.open(out, "w", format="mp3", options=bare) as file:
        stream = file.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        for part in av.AudioResampler(stream.format.name, "mono", RATE, stream.frame_size).resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


@dataclass
class Told:
    """The events of a stream, with their times."""

    first_seconds: float | None = None
    """From the request's first byte to the first delta."""
    deltas: list[str] = field(default_factory=list)
    text: str | None = None
    """Text of the last event."""


def stream(client: httpx.Client, path: Path, model: str, progress: Callable[[], None] = lambda: None) -> Told:
    """Send a recording and read its stream to the end; `progress` is called after every delta."""
    told, began = Told(), time.perf_counter()
    with path.open("rb") as file:
        request = client.stream(
            "POST",
            "/v1/audio/transcriptions",
            files={"file": (path.name, file)},
            data={"model": model, "stream": "true"},
        )
        with request as response:
            assert response.is_success, response.read()
            for line in response.iter_lines():
                if not line.startswith("data: {"):
                    continue
                event = json.loads(line.removeprefix("data: "))
                assert event["type"] != "error", event
                if event["type"] == "transcript.text.done":
                    told.text = event["text"]
                else:
                    told.first_seconds = told.first_seconds or time.perf_counter() - began
                    told.deltas.append(event["delta"])
                    progress()
    return told
