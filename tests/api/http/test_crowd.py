"""Two hundred clients at once: none hangs, and nothing of them stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from govor.testing import hum
from support.clients.crowd import Pulse, ask_at_once, server_process
from support.sound import media
from support.waiting import eventually

CLIENTS = 200


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """Ten seconds of sound."""
    path = tmp_path / "message.wav"
    path.write_bytes(media.wav(hum(10)))
    return path


@pytest.mark.slow
def test_of_two_hundred_clients_all_are_served_or_asked_to_come_again(
    tmp_path: Path, models_dir: Path, message: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    options = ("--spool-dir", str(spool), "--max-queue", "8", "--default-models", "echo", "--preload", "echo")
    with server_process(models_dir, *options) as server, Pulse(server) as pulse:
        for _ in range(3):  # after this, the buffers and threads that stay are there
            ask_at_once(server, message, CLIENTS)
        before = server.resident()
        answers = [answer for _ in range(3) for answer in ask_at_once(server, message, CLIENTS)]
        assert eventually(lambda: server.resident() <= 1.2 * before)
        assert eventually(lambda: list(spool.iterdir()) == [])
    served = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(served) + len(refused) == len(answers), {(one.status, one.text[:200]) for one in answers}
    assert served
    assert refused
    assert all(answer.asked_back for answer in refused)
    assert len({answer.text for answer in served}) == 1
    assert pulse.failures == []
    print(figures(pulse, answers, before, server))


def figures(pulse: Pulse, answers: list[Any], before: int, server: Any) -> str:
    """Describe the results in a line."""
    served = sum(answer.status == 200 for answer in answers)
    quantiles = ", ".join(f"{name} {pulse.quantile(share) * 1000:.0f} ms" for name, share in SHARES.items())
    return f"{served} of {len(answers)} served; /health {quantiles}; resident {before / 2**20:.0f} MiB"


SHARES = {"median": 0.5, "p95": 0.95, "p99": 0.99, "highest": 1.0}
