"""The clients in docs/clients work as they are, with the real packages, against a real server."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.clients.nodes import run_node

SECONDS = 240
WORD = re.compile(r" +\d+\.\d\d +\d+\.\d\d  (\S+)")

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def clients(root: Path) -> Path:
    """The folder of the clients."""
    return root / "docs/clients"


@pytest.fixture
def environment(server: Any) -> dict[str, str]:
    """Environment variables of the clients."""
    return {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "none", "no_proxy": "127.0.0.1"}


@pytest.fixture(params=["python", "node"])
def transcribe(
    request: pytest.FixtureRequest, clients: Path, environment: dict[str, str], tmp_path: Path
) -> Callable[..., Ran]:
    """Run the client of one of the SDKs."""

    def run(*arguments: str) -> Ran:
        if request.param == "node":
            script = clients / "node/transcribe.mjs"
            return run_node(script, *arguments, folder=tmp_path, environment=environment)
        return run_command([sys.executable, str(clients / "python/transcribe.py"), *arguments], environment)

    return run


def run_command(command: list[str], environment: dict[str, str], folder: Path | None = None) -> Ran:
    """Run a program with these variables beside the usual ones."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_client_on_the_sdk_prints_the_text_and_then_the_words(
    transcribe: Callable[..., Ran], samples: Path, transcripts: Any
) -> None:
    ran = transcribe(str(samples / "ru_short.wav"))
    assert ran.returncode == 0, ran.stderr
    text, *lines = ran.stdout.splitlines()
    assert text == transcripts["ru_short.wav"]["whisper_base"]
    assert " ".join(WORD.fullmatch(line)[1] for line in lines) == text  # type: ignore[index]


def test_a_client_on_the_sdk_says_what_the_server_refuses(
    transcribe: Callable[..., Ran], samples: Path
) -> None:
    ran = transcribe(str(samples / "ru_short.wav"), "nonsense")
    assert ran.returncode == 1
    assert "404 model_not_found" in ran.stderr
    assert "whisper-base" in ran.stderr


@pytest.mark.parametrize(
    ("form", "start"),
    [("text", "2.7"), ("srt", "1\n00:"), ("vtt", "WEBVTT"), ("stream", "event: transcript.text.delta")],
)
def test_the_script_for_curl_takes_every_format(
    form: str, start: str, clients: Path, environment: dict[str, str], samples: Path
) -> None:
    ran = run_script(clients, [str(samples / "ru_short.wav"), form], {**environment, "MODEL": "echo"})
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(start)
    assert "2.7 seconds." in ran.stdout


def test_the_script_for_curl_fails_where_the_server_refuses_and_shows_why(
    clients: Path, environment: dict[str, str], samples: Path
) -> None:
    ran = run_script(clients, [str(samples / "ru_short.wav")], {**environment, "MODEL": "nonsense"})
    assert ran.returncode == 22
    assert "model_not_found" in ran.stdout


def test_the_script_for_curl_sends_the_key_and_names_with_odd_characters(
    serve: Any, clients: Path, samples: Path, tmp_path: Path
) -> None:
    server = serve(api_keys=("right",), default_models=("echo",), preload=())
    recording = Path(shutil.copy(samples / "ru_short.wav", tmp_path / "a; b,c.wav"))
    told = {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "right", "MODEL": "echo"}
    assert run_script(clients, [str(recording)], told).stdout == "2.7 seconds.\n"
    refused = run_script(clients, [str(recording)], {**told, "OPENAI_API_KEY": "wrong"})
    assert "invalid_api_key" in refused.stdout


def run_script(clients: Path, arguments: list[str], environment: dict[str, str]) -> Ran:
    """Run the script for curl; skip the test where its programs are missing."""
    if not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("curl or bash is not on this machine")
    return run_command(["bash", str(clients / "curl/transcribe.sh"), *arguments], environment)


CHOOSE = """
<script>
const bytes = Uint8Array.from(atob("{audio}"), (letter) => letter.charCodeAt(0));
const chosen = new DataTransfer();
chosen.items.add(new File([bytes], "ru_short.wav"));
part("file").files = chosen.files;
part("server").value = "{server}";
part("model").value = "echo";
part("form").requestSubmit();
</script>
</body>
"""
"""Does what a person does on the page."""


@pytest.mark.parametrize(
    ("origins", "shown"), [(("null",), ">2.7 seconds.</p>"), ((), "does `allow_origins` name")]
)
def test_the_page_works_from_a_file_where_its_origin_is_let_in(
    origins: tuple[str, ...], shown: str, serve: Any, clients: Path, samples: Path, tmp_path: Path
) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    server = serve(allow_origins=origins, default_models=("echo",), preload=())
    audio = base64.b64encode((samples / "ru_short.wav").read_bytes()).decode()
    page = tmp_path / "page.html"
    written = (clients / "browser/transcribe.html").read_text(encoding="utf-8")
    asked = CHOOSE.replace("{audio}", audio).replace("{server}", server.url)
    page.write_text(written.replace("</body>", asked), encoding="utf-8")
    ran = run_command(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=30000",
            "--dump-dom",
            page.as_uri(),
        ],
        {},
    )
    assert shown in ran.stdout, ran.stdout + ran.stderr


def test_the_client_in_go_prints_the_text_and_what_the_server_refuses(
    clients: Path, environment: dict[str, str], samples: Path, tmp_path: Path
) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not on this machine")
    program = str(tmp_path / "client")
    caches = {name: str(tmp_path / name) for name in ("GOCACHE", "GOPATH")}
    built = run_command([go, "build", "-o", program, "."], caches, folder=clients / "go")
    assert built.returncode == 0, built.stderr
    ran = run_command([program, str(samples / "ru_short.wav"), "echo"], environment)
    assert (ran.returncode, ran.stdout) == (0, "2.7 seconds.\n"), ran.stderr
    refused = run_command([program, str(samples / "ru_short.wav"), "nonsense"], environment)
    assert refused.returncode == 1
    assert "model_not_found" in refused.stderr
