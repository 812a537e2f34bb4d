"""Offline: the embedded models answer on a machine without a network, and the server opens no connection.

Watches Python's own sockets during a few requests; quiet/ watches all code, and longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PATIENCE_SECONDS = 120

WATCHED = """
import sys

ASKING = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}

def watch(event, args):
    if event in ASKING:
        print(event, *map(repr, args[-1:]), file=log, flush=True)

log = open(sys.argv.pop(1), "w")
sys.addaudithook(watch)

from govor.cli import main
main()
"""

VISIT = """
import fcntl, json, re, socket, struct, subprocess, sys, time
import httpx

log, sample, watched = sys.argv[1:4]
if sys.argv[4] == "alone":  # this network has nothing but its loopback, which is down at first
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 1 | 64))
        assert len(socket.if_nameindex()) == 1
server = subprocess.Popen(
    [sys.executable, "-c", watched, log, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
)
try:
    url = re.search(r"http://\\S+:\\d+", server.stdout.readline())[0]
    with httpx.Client(base_url=url, timeout=100) as client, open(sample, "rb") as file:
        models = [model["id"] for model in client.get("/v1/models").json()["data"]]
        answer = client.post("/v1/audio/transcriptions", files={"file": file}).json()
        absent = client.post("/v1/models", json={"model": "whisper-tiny"}).json()
        strange = client.post("/v1/models", json={"model": "owner/unknown"}).json()
    print(json.dumps({"url": url, "models": models, "answer": answer, "absent": absent, "strange": strange}))
finally:
    server.terminate()
    server.wait()
"""


def may_leave_the_network() -> bool:
    """Tell whether this user may start a process in a network namespace of its own."""
    try:
        return subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_offline_the_server_opens_no_socket_but_its_own(
    tmp_path: Path, models_dir: Path, samples: Path, transcripts: dict[str, dict[str, str]]
) -> None:
    network = "alone" if may_leave_the_network() else "shared"
    log = tmp_path / "sockets"
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "GOVOR_OFFLINE": "1",
        "GOVOR_DISABLE": "wyoming",  # which listens too
        "GOVOR_DOWNLOAD": "any",
        "GOVOR_MODELS_DIR": str(models_dir),
        "HF_ENDPOINT": "http://hub.invalid",
    }
    command = [sys.executable, "-c", VISIT, str(log), str(samples / "ru_short.wav"), WATCHED, network]
    if network == "alone":
        command = ["unshare", "-rn", *command]
    visit = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert visit.returncode == 0, visit.stderr
    seen = json.loads(visit.stdout)
    assert set(seen["models"]) >= {"whisper-base", "echo"}
    assert seen["answer"]["text"] == transcripts["ru_short.wav"]["text"]
    assert "not asked, as `offline` is set" in seen["absent"]["error"]["message"]
    assert "'owner/unknown' is not asked for, as `offline` is set." in seen["strange"]["error"]["message"]
    assert log.read_text().splitlines() == ["socket.bind ('127.0.0.1', 0)"]
    assert [path.name for path in tmp_path.iterdir()] == [log.name], "written into the home folder"
