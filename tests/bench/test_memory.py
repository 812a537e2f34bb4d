"""Memory by length of recording, with real decoding and voice detection.

The model echoes: 10 h take a few minutes; $BENCH_HOURS sets another length. Then whisper-base, with real
speech. No recordings are kept.
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

from support.bench.report import report
from support.bench.speech import write_calm
from support.processes.server_processes import ServerProcess, process_of
from support.sound.lengthy import stream, write_recording

HOURS = float(os.environ.get("BENCH_HOURS", "10"))
SHORT, MIDDLE = 600.0, 3600.0
SETTINGS = {"default_models": "echo", "max_upload_mb": 2000, "max_audio_seconds": 0}


def measure(path: Path, seconds: float, models_dir: Path) -> dict[str, Any]:
    """Stream a recording through a server of its own; return its memory and time."""
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
    """Request the whole answer: its times never go back."""
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


WHISPER_MINUTES = (3, 12, 60)
REST_SECONDS = 15


def resident(server: ServerProcess) -> int:
    """Return the process's resident MiB."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) // 1024


def measure_whisper(path: Path, minutes: float, models_dir: Path) -> dict[str, Any]:
    """Stream calm English through a server that has whisper-base loaded; return MiB."""
    write_calm(path, 60 * minutes)
    with (
        process_of(models_dir=models_dir, default_models="whisper-base") as server,
        server.client() as client,
    ):
        client.post("/v1/models/whisper-base/load").raise_for_status()
        loaded = resident(server)
        stream(client, path, "whisper-base")
        peak = server.peak_memory() >> 20
        time.sleep(REST_SECONDS)
        [told] = client.get("/api/ps").json()["data"]
        return {
            "minutes": minutes,
            "loaded": loaded,
            "peak": peak,
            "at_rest": resident(server),
            "counted": {name: told[name] >> 20 for name in ("memory", "working")},
        }


def test_memory_of_whisper_by_length(tmp_path: Path, models_dir: Path) -> None:
    runs = [measure_whisper(tmp_path / "calm.wav", minutes, models_dir) for minutes in WHISPER_MINUTES]
    report("memory_of_whisper", {"runs": runs})
    short, *_, hour = runs
    assert hour["peak"] <= 1.25 * short["peak"]
    assert hour["peak"] < 600
    for run in runs:
        assert run["at_rest"] <= 1.5 * run["loaded"]
        held = run["counted"]["memory"] + run["counted"]["working"]
        assert held >= 0.9 * (run["peak"] - run["loaded"])
