"""Well-behaved clients: `python users.py PORT REQUESTS RECORDING TEXT SECONDS`.

They run for at least SECONDS. Prints the number of answers, and of wrong ones.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

from support.processes.servers import form

CLIENTS = 6
ASKED = ("/v1/models", "/v1/models/echo", "/api/ps", "/ready", "/v1/registry", "/health", "/v1/jobs")
SHOWN = 20


def use(port: int, seed: int, requests: int, content: bytes, text: str, until: float) -> Counter[str]:
    """Send at least `requests` requests, and until that time; return the numbers of answers by kind."""
    dice, found = random.Random(seed), Counter[str]()
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    kind, body = form(content, {"model": "echo"})
    while found.total() < requests or time.monotonic() < until:
        if dice.random() < 0.12:
            connection.request("POST", "/v1/audio/transcriptions", body, {"content-type": kind})
        else:
            connection.request("GET", dice.choice(ASKED))
        answer = connection.getresponse()
        said = json.loads(answer.read())
        right = answer.status == 200 and said.get("text", text) == text
        found["right" if right else f"{answer.status} {str(said)[:200]}"] += 1
    connection.close()
    return found


def main(port: int, requests: int, recording: Path, text: str, seconds: float) -> None:
    """Run several clients at once."""
    content, until, found = recording.read_bytes(), time.monotonic() + seconds, Counter[str]()

    def one(seed: int) -> None:
        found.update(use(port, seed, requests // CLIENTS, content, text, until))

    threads = [threading.Thread(target=one, args=[seed]) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = {kind: count for kind, count in found.most_common(SHOWN) if kind != "right"}
    print(json.dumps({"answers": found.total(), "right": found["right"], "wrong": wrong}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
