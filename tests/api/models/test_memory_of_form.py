"""A server's memory does not grow with the length of a recording."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.processes.server_processes import process_of
from support.sound.lengthy import stream, write_recording

MINUTE = 60


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_an_hour_takes_the_memory_of_ten_minutes(tmp_path: Path, models_dir: Path) -> None:
    peaks = {}
    for minutes in (10, 60):
        path = write_recording(tmp_path / f"{minutes}.mp3", minutes * MINUTE)
        with process_of(models_dir=models_dir, default_models="echo") as server, server.client() as client:
            stream(client, write_recording(tmp_path / "warm.wav", 20), "echo")
            told = stream(client, path, "echo")
            peaks[minutes] = server.peak_memory()
        assert told.first_seconds is not None
        assert told.first_seconds < 10
        assert len(told.deltas) >= 5 * minutes
        assert "".join(told.deltas) == told.text
    assert peaks[60] <= 1.15 * peaks[10]
