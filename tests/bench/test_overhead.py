"""Time that HTTP, spooling, decoding and voice detection add to a direct library call on the same file.

`make bench` prints the figures; docs/explanation/performance.md holds those of one machine. A ratio, in
pairs: server and library in turn, on the same weights and options, so that a machine's drift cancels out.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel

from govor import usable_cores
from support.sound import media

PAIRS = 7
SECONDS = 60


@pytest.fixture(scope="module")
def minute(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 s of English speech: the sample, with pauses, repeated."""
    speech, rate = media.read_wav(samples / "en.wav")
    turn = np.concatenate([speech, np.zeros(rate, np.float32)])
    path = tmp_path_factory.mktemp("bench") / "minute.wav"
    path.write_bytes(media.wav(np.tile(turn, SECONDS * rate // len(turn) + 1)[: SECONDS * rate]))
    return path


def test_http_costs_at_most_five_percent(server: Any, minute: Path) -> None:
    model = server.service.catalogue.find("whisper-base")
    library = WhisperModel(
        str(server.service.store.install(model)),
        device="cpu",
        compute_type="int8",
        cpu_threads=max(1, usable_cores() // 2),  # as the server gives each of its two workers
    )

    def direct() -> str:
        segments, _ = library.transcribe(str(minute), vad_filter=True, beam_size=5, temperature=[0.0])
        return "".join(segment.text for segment in segments).strip()

    def http() -> str:
        return str(server.post(minute, model="whisper-base").json()["text"])

    assert http() == direct()  # also the warm-up
    pairs = [(timed(http), timed(direct)) for _ in range(PAIRS)]
    ratios = [server_time / direct_time for server_time, direct_time in pairs]
    figures = {
        "server_s": round(statistics.median(pair[0] for pair in pairs), 3),
        "direct_s": round(statistics.median(pair[1] for pair in pairs), 3),
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "pairs": PAIRS,
    }
    print(json.dumps(figures))
    assert figures["ratio_median"] <= 1.05


def timed(call: Any) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
