"""The container files agree with the rest of the repository. Reads them as text: needs no Docker engine."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from govor.settings import Settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "docker" / "Dockerfile"

PLUGINS = "$PLUGINS"
"""Placeholder for further plugins among the installed ones."""

Stage = list[tuple[str, str]]
"""Instructions of one stage as (keyword, the rest of its line), the FROM line first."""


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found: list[Stage] = []
    for keyword, _, rest in (line.partition(" ") for line in lines if line):
        if keyword == "FROM":
            found.append([])
        found[-1].append((keyword, rest))
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def service(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]["govor"]


def values(stage: Stage, keyword: str) -> list[str]:
    return [rest for found, rest in stage if found == keyword]


def environment(stage: Stage) -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in values(stage, "ENV") for pair in shlex.split(rest))


def copied(stages: list[Stage]) -> list[str]:
    """Return the files that the image takes from the repository, not from another stage."""
    lines = [rest.split() for stage in stages for rest in values(stage, "COPY")]
    return [source for line in lines if not line[0].startswith("--from") for source in line[:-1]]


def pip_installs(stage: Stage) -> list[list[str]]:
    """Return the arguments of every `pip install` of the stage; further plugins are PLUGINS."""
    return [
        shlex.split(rest.split("pip install ")[1]) for rest in values(stage, "RUN") if "pip install" in rest
    ]


def folders(stage: Stage) -> list[str]:
    """Return the folders that the stage installs."""
    installs = pip_installs(stage)
    assert all(install[:2] == ["-c", "constraints.txt"] for install in installs)
    return [folder for install in installs for folder in install[2:] if folder != PLUGINS]


def test_the_image_installs_what_make_installs(stages):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    backends = re.search(r"^BACKENDS\s*:?=\s*(.+)$", makefile, re.MULTILINE)
    assert backends, "the Makefile names no BACKENDS"
    wanted = [".", *(f"backends/{name}" for name in backends[1].split())]
    assert sorted(folders(stages[0])) == sorted(wanted)


def test_further_plugins_are_installed_where_the_build_names_them(stages, service):
    assert 'PLUGINS=""' in values(stages[0], "ARG")
    assert PLUGINS in pip_installs(stages[0])[-1]
    assert service["build"]["args"] == {"PLUGINS": "${PLUGINS:-}"}


def test_everything_copied_exists(stages):
    assert [source for source in copied(stages) if not (ROOT / source).exists()] == []


def test_everything_installed_is_copied_first(stages):
    sources = set(copied(stages))
    assert all(folder == "." or folder.split("/")[0] in sources for folder in folders(stages[0]))


def test_the_ignore_file_lets_in_exactly_what_is_copied(stages):
    rules = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    assert rules.index("*") < min(n for n, rule in enumerate(rules) if rule.startswith("!"))
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied(stages))


def test_the_server_runs_as_user_1000(stages):
    created = [rest for rest in values(stages[-1], "RUN") if "useradd --uid 1000 " in rest]
    assert len(created) == 1
    assert values(stages[-1], "USER") == ["1000:1000"]


def test_models_and_the_hub_cache_lie_in_the_volume(stages, compose, service):
    variables = environment(stages[-1])
    volumes = json.loads(values(stages[-1], "VOLUME")[0])
    assert volumes == [variables["GOVOR_MODELS_DIR"], variables["GOVOR_DATA_DIR"]] == ["/models", "/data"]
    assert variables["HF_HOME"].startswith("/models/")
    mounts = dict(mount.split(":") for mount in service["volumes"])
    assert mounts == {"models": "/models", "data": "/data"}
    assert set(compose["volumes"]) == set(mounts)


def test_the_final_stage_takes_the_environment_from_the_builder(stages):
    builder = values(stages[0], "FROM")[0]
    assert builder == f"{values(stages[-1], 'FROM')[0]} AS builder", "its interpreter must be the same one"
    assert "--from=builder /venv /venv" in values(stages[-1], "COPY")
    assert environment(stages[-1])["PATH"].startswith("/venv/bin:")


def test_the_configuration_is_copied_to_where_the_server_looks(stages):
    target = environment(stages[-1])["GOVOR_CONFIG"]
    assert f"plugins.toml {target}" in values(stages[-1], "COPY")


def test_the_server_is_what_starts(stages):
    assert [json.loads(rest) for rest in values(stages[-1], "ENTRYPOINT")] == [["govor"]]
    assert [json.loads(rest) for rest in values(stages[-1], "CMD")] == [["serve"]]


@pytest.mark.parametrize("word", ["ffmpeg", "torch", "apt-get", "gcc", "build-essential"])
def test_the_image_is_lean(word):
    assert word not in DOCKERFILE.read_text(encoding="utf-8")


def test_every_variable_is_a_setting(stages, service):
    named = {*environment(stages[-1]), *service["environment"]}
    settings = {f"GOVOR_{field.upper()}" for field in Settings.model_fields} | {"GOVOR_CONFIG"}
    assert {name for name in named if name.startswith("GOVOR_")} <= settings


def test_the_compose_file_builds_this_dockerfile(service):
    context = (ROOT / "docker" / service["build"]["context"]).resolve()
    assert context == ROOT
    assert context / service["build"]["dockerfile"] == DOCKERFILE


def test_the_port_is_published_on_loopback_only(stages, service):
    port = values(stages[-1], "EXPOSE")[0]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert Settings.model_fields["port"].default == int(port)
    assert environment(stages[-1])["GOVOR_HOST"] == "0.0.0.0"


def test_only_the_volume_and_tmp_are_writable(service):
    assert service["read_only"] is True
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert service["restart"] == "unless-stopped"


def test_a_full_size_upload_fits_into_tmp(service):
    gigabytes = re.search(r"size=(\d+)g", service["tmpfs"][0])
    assert gigabytes
    assert Settings.model_fields["max_upload_mb"].default * 1e6 < int(gigabytes[1]) * 2**30


@pytest.fixture
def answering() -> Iterator[Callable[[int], int]]:
    """Start a server that answers /health with the status given and all else with 404; return its port."""
    servers: list[http.server.HTTPServer] = []

    def start(status: int) -> int:
        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/health" else 404)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        servers.append(http.server.HTTPServer(("127.0.0.1", 0), Health))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,)).start()
        return servers[-1].server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def health_check(stages: list[Stage], port: int) -> int:
    """Run the image's own check against a port of this machine, behind a proxy that does not exist."""
    command = json.loads(values(stages[-1], "HEALTHCHECK")[0].split("CMD ")[1])
    assert command[0] == "python"
    variables = {**os.environ, "GOVOR_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, *command[1:]], env=variables, capture_output=True).returncode


def test_the_health_check_passes_where_the_server_answers(stages, answering):
    assert health_check(stages, answering(200)) == 0


def test_the_health_check_fails_where_the_server_does_not(stages, answering):
    assert health_check(stages, answering(500)) == 1


@pytest.mark.slow
def test_the_builder_makes_an_environment_that_runs(stages, tmp_path):
    """Run the builder's steps, with one further plugin: in a clean environment, with no other files."""
    context, venv = tmp_path / "source", tmp_path / "venv"
    builder_copies = copied(stages[:1])
    for source in builder_copies:
        target = context / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            left_out = shutil.ignore_patterns("tests", "build", "*.egg-info", "__pycache__")
            shutil.copytree(ROOT / source, target, ignore=left_out)
        else:
            shutil.copy(ROOT / source, target)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    for install in pip_installs(stages[0]):
        given = [argument.replace(PLUGINS, "backends/diarizer") for argument in install]
        subprocess.run([venv / "bin" / "pip", "install", "--quiet", *given], cwd=context, check=True)

    version = subprocess.run(
        [venv / "bin" / "govor", "--version"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    listed = subprocess.run(
        [venv / "bin" / "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    installed = {line.split("==")[0].lower() for line in listed.stdout.splitlines()}
    assert re.search(r"\d+\.\d+", version.stdout)
    assert {"govor", "govor-echo", "govor-whisper", "govor-silero", "govor-diarizer"} <= installed
    assert "torch" not in installed
