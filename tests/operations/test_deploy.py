"""The files for operators: a unit that systemd accepts, and proxies that pass everything that Govor needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from govor.settings import Settings

DEFAULTS = Settings()


@pytest.fixture(scope="module")
def unit(root: Path) -> str:
    return (root / "deploy/govor.service").read_text(encoding="utf-8")


def test_systemd_has_nothing_to_say_of_the_unit(unit: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    there = unit.replace("/opt/govor/bin/govor", shutil.which("true") or "/bin/true")
    path = tmp_path / "govor.service"
    path.write_text(there, encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    about_it = [line for line in told.stderr.splitlines() if "govor.service" in line]
    assert [line for line in about_it if "man " not in line] == []


def test_the_unit_keeps_all_that_is_written_where_systemd_lets_it(unit: str) -> None:
    given = dict(re.findall(r"^Environment=(\w+)=(.+)$", unit, re.MULTILINE))
    assert {"GOVOR_CONFIG", "GOVOR_DATA_DIR", "GOVOR_MODELS_DIR", "HF_HOME"} == given.keys()
    folders = [path for name, path in given.items() if name != "GOVOR_CONFIG"]
    assert all(path.startswith(("/var/lib/govor", "/var/cache/govor")) for path in folders)
    assert "ProtectSystem=strict" in unit
    assert "LimitNOFILE=65536" in unit


def test_the_unit_waits_for_requests_under_way(unit: str) -> None:
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) > DEFAULTS.drain_seconds + 5


def test_each_proxy_takes_what_govor_takes_and_keeps_its_connections_shorter(root: Path) -> None:
    nginx, caddy, traefik = (
        (root / "deploy" / name).read_text(encoding="utf-8")
        for name in ("nginx.conf", "Caddyfile", "traefik.yaml")
    )
    most = max(DEFAULTS.max_upload_mb, DEFAULTS.compat.asr_max_upload_mb)
    assert f"client_max_body_size {most:g}m;" in nginx
    assert f"max_size {most:g}MB" in caddy
    parsed = yaml.safe_load(traefik)["http"]
    kept = [
        *re.findall(r"keepalive_timeout (\d+)s", nginx),
        *re.findall(r"keepalive (\d+)s", caddy),
        parsed["serversTransports"]["govor"]["forwardingTimeouts"]["idleConnTimeout"].rstrip("s"),
    ]
    assert len(kept) == 3
    assert all(int(seconds) < DEFAULTS.idle_timeout for seconds in kept)
    assert parsed["middlewares"]["govor-path"]["stripPrefix"]["prefixes"] == ["/stt"]
