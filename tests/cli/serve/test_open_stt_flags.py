"""Flags that open-stt-server has, and several addresses at once."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.cli.serve.sockets import addresses, bind, is_loopback, url_of
from govor.errors import ConfigurationError
from govor.settings import Settings


@pytest.fixture
def started_with(started: Callable[..., Any]) -> Callable[..., str]:
    """Start `govor serve` with flags; return its address."""

    def start(*args: str, **env: str) -> str:
        process = started("serve", "--port", "0", *args, **env)
        match = re.match(r"Govor listens on (http://\S+)", process.stdout.readline())
        assert match, process.stderr.read()
        return match[1]

    return start


def test_its_flags_are_flags_of_serve(started_with: Any, samples: Path) -> None:
    flags = ["--model", "whisper-base", "--model", "echo", "--default-model", "echo"]
    url = started_with(*flags, "--download", "--force-cpu", "--api-key", "secret")
    assert httpx.get(f"{url}/health").json()["model"] == "echo"
    assert httpx.get(f"{url}/v1/models").status_code == 401
    headers = {"Authorization": "Bearer secret"}
    files = {"file": ("a.wav", (samples / "ru_short.wav").read_bytes())}
    answer = httpx.post(f"{url}/v1/audio/transcriptions", files=files, headers=headers, timeout=60)
    assert answer.json()["text"] == "2.7 seconds."


def test_the_first_model_is_the_default(started_with: Any) -> None:
    url = started_with("--model", "echo", "--model", "whisper-base")
    assert httpx.get(f"{url}/health").json()["model"] == "echo"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "echo", "--preload", "echo"], "Give --preload or --model or --default-model, not both."),
        (["--force-cpu", "--device", "cuda"], "Give --device or --force-cpu, not both."),
    ],
)
def test_a_flag_and_the_setting_it_stands_for_exclude_each_other(
    shell: Any, flags: list[str], said: str
) -> None:
    result = shell.run("serve", *flags)
    assert result.returncode == 2
    assert said in result.stderr


def test_a_server_listens_on_all_its_addresses(started: Callable[..., Any]) -> None:
    process = started("serve", "--bind", "127.0.0.1:0", "--bind", "0", "--preload", "")
    said = process.stdout.readline()
    urls = re.findall(r"http://[\d.]+:\d+(?=[, ])", said.partition("(")[0])
    assert len(set(urls)) == 2, said
    assert [httpx.get(f"{url}/health").status_code for url in urls] == [200, 200]


def test_addresses_are_read_in_every_spelling() -> None:
    assert addresses(Settings(host="127.0.0.1", port=9)) == [("127.0.0.1", 9)]
    spelt = Settings(bind=("9876", "0.0.0.0:8000", "[::1]:8080", ":11437"))
    assert addresses(spelt) == [("127.0.0.1", 9876), ("0.0.0.0", 8000), ("::1", 8080), ("127.0.0.1", 11437)]


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1:port", "127.0.0.1:70000", "127.0.0.1:"])
def test_an_address_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address"):
        addresses(Settings(bind=(text,)))


def test_where_one_address_is_taken_none_is_held(free_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {taken}: "):
            bind(Settings(bind=(f"127.0.0.1:{free_port}", f"127.0.0.1:{taken}")))
    with socket.socket() as again:
        again.bind(("127.0.0.1", free_port))


def test_an_address_is_written_as_clients_write_it() -> None:
    (everywhere,) = bind(Settings(bind=("0.0.0.0:0",)))
    with everywhere:
        assert url_of(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"
    assert not is_loopback("0.0.0.0")
