"""Response times for other clients while a crowd of clients is refused.

`make bench` prints the figures; they are only useful on an idle machine.
"""

from __future__ import annotations

from pathlib import Path

from govor.testing import hum
from support.bench.report import report
from support.clients.crowd import Pulse, ask_at_once, quantile, server_process
from support.sound import media

CLIENTS = 200
ROUNDS = 5
QUANTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99, "highest": 1.0}


def test_health_is_answered_within_a_tenth_of_a_second_whatever_the_crowd(
    tmp_path: Path, models_dir: Path
) -> None:
    message = tmp_path / "message.wav"
    message.write_bytes(media.wav(hum(5)))
    options = ("--max-queue", "8", "--default-models", "echo", "--preload", "echo")
    with server_process(models_dir, *options) as server:
        ask_at_once(server, message, 1)
        with Pulse(server) as pulse:
            answers = [answer for _ in range(ROUNDS) for answer in ask_at_once(server, message, CLIENTS)]
    figures = {
        "clients": CLIENTS,
        "answers": len(answers),
        "served": sum(answer.status == 200 for answer in answers),
        "health_ms": in_milliseconds(pulse.seconds),
        "own_stalls_ms": in_milliseconds(pulse.stalls),
        "asked": len(pulse.seconds),
    }
    report("whatever_the_crowd", figures)
    assert pulse.quantile(0.99) <= 0.1


def in_milliseconds(seconds: list[float]) -> dict[str, int]:
    return {name: round(quantile(seconds, share) * 1000) for name, share in QUANTILES.items()}
