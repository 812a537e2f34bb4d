"""Many requests beside a client that misbehaves in every known way.

`make bench ARGS='-k soak'` takes five minutes; SOAK_REQUESTS and SOAK_SECONDS make it shorter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from bench.test_crowd import in_milliseconds
from support.bench.report import report
from support.clients.crowd import Pulse, server_process
from support.waiting import eventually

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "60000"))
SECONDS = float(os.environ.get("SOAK_SECONDS", "300"))
TESTS = Path(__file__).parents[1]
RUDE = "127.0.0.66"
"""Address of the misbehaving client, so that limits per client do not affect the others."""


def script(name: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a script of tests/attack."""
    command = [sys.executable, str(TESTS / "attack" / name), *map(str, arguments)]
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    )


def test_a_soak_beside_a_nuisance_answers_everybody_else_right(
    tmp_path: Path, models_dir: Path, samples: Path
) -> None:
    options = ("--default-models", "echo", "--preload", "echo", "--max-requests-per-client", "8")
    folders = ("--data-dir", str(tmp_path / "data"), "--no-access-log")
    with server_process(models_dir, *options, *folders) as server:
        port, recording = urlsplit(server.url).port, samples / "ru_short.wav"
        with script("users.py", port, 500, recording, "2.7 seconds.", 0) as first:
            first.communicate()
        before = server.resident()
        with Pulse(server) as pulse, script("rude.py", port, RUDE, SECONDS) as rude:
            with script("users.py", port, REQUESTS, recording, "2.7 seconds.", SECONDS) as users:
                said, _ = users.communicate()
            done, _ = rude.communicate()
        used = json.loads(said)
        settled = eventually(lambda: server.resident() < 1.05 * before, seconds=60)
        after, files = server.resident(), len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
    figures = {
        "seconds": SECONDS,
        "users": used,
        "nuisance": done.strip(),
        "health_ms": in_milliseconds(pulse.seconds),
        "own_stalls_ms": in_milliseconds(pulse.stalls),
        "memory_mb": [round(before / 1e6), round(after / 1e6)],
        "open_files": files,
    }
    report("soak", figures)
    assert used["wrong"] == {}
    assert not pulse.failures
    assert pulse.quantile(0.99) <= 0.15
    assert settled
