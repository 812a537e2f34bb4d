"""A server that is traced from its start to its end, while it gets all kinds of requests and then none.

Runs in a network namespace of its own if the kernel allows it: `python visit.py PLAN`. Prints its results as
JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 1 | 64
SECONDS = 300


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if plan["apart"]:
        raise_loopback()
    server = subprocess.Popen(plan["server"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = next(line for line in server.stdout if "http://" in line)
        url = re.findall(r"http://\S+:\d+", said)[0]
        with httpx.Client(base_url=url, timeout=SECONDS) as client:
            got = {"url": url, "asked": ask(client, plan), "home assistant": describe(plan["wyoming"])}
        time.sleep(plan["seconds"])
        print(json.dumps(got))
    finally:
        os.kill(watched_by(server.pid), signal.SIGTERM)
        server.wait()  # strace ends after its child


def watched_by(strace: int) -> int:
    """Return the process that strace has started: a signal to strace itself would only end the tracing."""
    return int(Path(f"/proc/{strace}/task/{strace}/children").read_text().split()[0])


def raise_loopback() -> None:
    """Set the loopback device up, the only one of a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP_RUNNING))
    assert len(socket.if_nameindex()) == 1


def ask(client: httpx.Client, plan: dict[str, Any]) -> dict[str, Any]:
    """Request a text from every model, and every page."""
    recording = Path(plan["recording"]).read_bytes()
    path, got = "/v1/audio/transcriptions", {}
    for name, fields in plan["requests"].items():
        answer = client.post(path, files={"file": ("a.wav", recording)}, data=fields)
        if answer.status_code == 202:
            with client.stream("GET", f"/v1/jobs/{answer.json()['id']}/events") as events:
                events.read()
        got[name] = answer.status_code
    for page in ("/docs", "/openapi.json", "/metrics", "/ready", "/v1/registry", "/v1/plugins"):
        got[page] = client.get(page).status_code
    return got


def describe(port: int) -> str:
    """Return the Wyoming plugin's answer to Home Assistant's first request."""
    if not port:
        return ""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(b'{"type": "describe"}\n')
        return str(json.loads(connection.makefile().readline())["type"])


if __name__ == "__main__":
    main()
