"""Memory by length of recording, with real decoding and voice detection; the model echoes.

10 h are worked through in a few minutes; $BENCH_HOURS asks for another length. Nothing is kept.
"""

from __future__ import annotations

import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.report import report
from lengthy import stream, write_recording
from processes import process_of

HOURS = float(os.environ.get("BENCH_HOURS", "10"))
SHORT, MIDDLE = 600.0, 3600.0
SETTINGS = {"default_models": "echo", "max_upload_mb": 2000, "max_audio_seconds": 0}


def measure(path: Path, seconds: float, models_dir: Path) -> dict[str, Any]:
    """Stream a recording through a server of its own; return what it took."""
    write_recording(path, seconds)
    with (
        process_of(models_dir=models_dir, **SETTINGS) as server,
        server.client() as client,
    ):
        stream(client, write_recording(path.with_stem("warm"), 60), "echo")
        idle = server.peak_memory()
        began = time.perf_counter()
        if path.suffix == ".wav":
            first = None
            check_times(client, path, seconds)
        else:
            told = stream(client, path, "echo")
            first = told.first_seconds
            assert told.segments == [f"seg_{number:03}" for number in range(len(told.segments))]
            assert "".join(told.deltas) == told.text
        took = time.perf_counter() - began
        peak = server.peak_memory()
    size = path.stat().st_size
    path.unlink()
    return {
        "minutes": round(seconds / 60),
        "file_mb": round(size / 1e6, 1),
        "idle_mib": round(idle / 2**20, 1),
        "peak_mib": round(peak / 2**20, 1),
        "first_delta_s": first and round(first, 2),
        "rtfx": round(seconds / took),
    }


def check_times(client: httpx.Client, path: Path, seconds: float) -> None:
    """Ask for the whole answer: its times never go back."""
    with path.open("rb") as file:
        answer = client.post(
            "/v1/audio/transcriptions",
            files={"file": (path.name, file)},
            data={"model": "echo", "response_format": "verbose_json"},
        )
    assert answer.is_success, answer.text
    body = json.loads(answer.text)
    assert body["duration"] == pytest.approx(seconds, abs=1)
    times = [time for segment in body["segments"] for time in (segment["start"], segment["end"])]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[-1] > seconds - 120


@pytest.mark.parametrize("suffix", [".mp3", ".wav"])
def test_memory_does_not_grow_with_the_length(suffix: str, tmp_path: Path, models_dir: Path) -> None:
    lengths = sorted({SHORT, MIDDLE, HOURS * 3600})
    runs = [measure(tmp_path / f"long{suffix}", seconds, models_dir) for seconds in lengths]
    ratio = runs[-1]["peak_mib"] / runs[0]["peak_mib"]
    report("memory", {"container": suffix, "runs": runs, "longest_to_10_min": round(ratio, 3)})
    assert ratio <= 1.15
    assert all((run["first_delta_s"] or 0) <= 10 for run in runs)
