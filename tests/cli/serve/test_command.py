"""`govor serve`: what it says when it starts, whom it listens to, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.cli.serve.sockets import bind
from govor.settings import Settings
from support.clients.http2 import Connection
from support.processes.packages import install_plugin
from support.sound import media
from support.waiting import eventually

SLOW = """
import sys, threading
import govor

class Slow:
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        print("at work", flush=True)
        if options.prompt != "forever":
            sys.stdin.readline()
        else:
            threading.Event().wait()
        return [[govor.Segment("done")] for audio in batch]

    def close(self):
        pass

class Family:
    def models(self):
        features = frozenset({govor.Feature.PROMPT})
        return [govor.ModelSpec("slow", features=features), govor.ModelSpec("never-loaded")]

    def load(self, spec, folder, runtime):
        if spec.id == "never-loaded":
            print("loading", flush=True)
            threading.Event().wait()
        return Slow()

@govor.hookimpl
def backend(settings):
    return Family()
"""


@pytest.fixture
def served(shell: Any, started: Callable[..., Any], samples: Path) -> Callable[..., tuple[Any, list[str]]]:
    """Start a server on a free port; return its process and what it said."""
    install_plugin(shell.site, "slow", SLOW)
    (shell.folder / "tests").symlink_to(samples.parent)

    def start(*args: str, **env: str) -> tuple[Any, list[str]]:
        process = started("serve", "--port", "0", *args, **env)
        return process, [process.stdout.readline().rstrip("\n") for _ in range(5)]

    return start


def address(said: list[str]) -> str:
    """The server's base URL, from its first line."""
    match = re.match(r"Govor listens on (http://\S+)", said[0])
    assert match, said
    return match[1]


def ended(process: Any, seconds: float = 10) -> str:
    """Return the stderr of a server that was asked to stop, after checking that it ended well."""
    _, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    return str(errors)


@pytest.fixture
def post(samples: Path) -> Iterator[Callable[..., Future[httpx.Response]]]:
    """Send a recording, in a thread, to the model "slow"."""
    content = (samples / "ru_short.wav").read_bytes()

    def send(url: str, fields: dict[str, str]) -> httpx.Response:
        path, files = f"{url}/v1/audio/transcriptions", {"file": ("ru.wav", content)}
        return httpx.post(path, files=files, data={"model": "slow", **fields}, timeout=60)

    with ThreadPoolExecutor(1) as threads:
        yield lambda url, **fields: threads.submit(send, url, fields)


def test_the_line_it_prints_works_as_printed(served: Any, shell: Any, transcripts: Any) -> None:
    process, said = served()
    command = shlex.split(said[4])
    assert command[0] == "curl"
    if shutil.which("curl"):
        answer = subprocess.run(
            ["curl", "-sS", *command[1:]], cwd=shell.folder, capture_output=True, timeout=60, check=True
        ).stdout
    else:
        path = shell.folder / command[-1].removeprefix("file=@")
        answer = httpx.post(command[1], files={"file": path.open("rb")}, timeout=60).content
    assert json.loads(answer)["text"] == transcripts["ru.wav"]["whisper_base"]
    assert re.fullmatch(r"Models: .*\bwhisper-base\b.*", said[1])
    assert said[2:4] == ["Default: whisper-base", "Try it:"]
    process.send_signal(signal.SIGINT)
    ended(process)


def test_the_line_it_prints_has_a_place_for_the_key_but_does_not_tell_it(served: Any) -> None:
    process, said = served("--preload", "", GOVOR_API_KEYS="sk-entirely-secret", GOVOR_ADMIN_KEY="sk-secret")
    said.append(process.stdout.readline())
    assert said[3:5] == ["Keys: 1 (1 without a name)", "Try it, with one of the server's keys for KEY:"]
    assert ' -H "Authorization: Bearer KEY" ' in said[5]
    process.send_signal(signal.SIGINT)
    errors = ended(process)
    assert "secret" not in "".join(said) + errors.replace("(secret)", "")
    assert "Settings given in no file, variables and flags: " in errors
    assert "api_keys=(secret)" in errors
    assert "preload=" in errors


def test_a_name_that_was_written_to_its_key_without_spaces_is_told_without_the_key(
    served: Any, shell: Any
) -> None:
    (shell.folder / "keys").write_text("anna = sk-secret1\nbob=sk-secret2\n")
    process, said = served("--preload", "", "--api-keys", "phone=sk-secret3", "--api-keys-file", "keys")
    assert said[3] == "Keys: 3 (anna, 2 without a name)"
    headers = {"authorization": "Bearer bob=sk-secret2"}
    assert httpx.get(f"{address(said)}/v1/models", headers=headers).status_code == 200
    process.send_signal(signal.SIGINT)
    errors = ended(process)
    (warning,) = [line for line in errors.splitlines() if "The '=' of" in line]
    assert "The '=' of phone=…, bob=… counts as part of the key" in warning
    assert "put spaces around the '=': NAME = KEY" in warning
    assert "sk-" not in errors


@pytest.mark.parametrize(
    ("args", "told", "remedy"),
    [
        (("--memory-budget", "100MB"), "'whisper-base' takes about ", "  Raise `memory_budget`"),
        (("--default-models", "nosuch"), "The model 'nosuch' of the setting ", "  Name an installed"),
        (("--default-models", "whisper-small"), "The model 'whisper-small' is known ", "  Name an"),
        (("--disable", "whisper,moonshine,echo,slow"), "No model that writes text is", "  `govor models"),
    ],
)  # fmt: skip
def test_it_says_what_to_do_where_no_request_would_be_answered(
    served: Any, args: tuple[str, ...], told: str, remedy: str
) -> None:
    _, said = served("--preload", "", *args)
    assert said[3].startswith(f"Requests without a `model` are not answered: {told}")
    assert said[4].startswith(remedy)
    url = f"{address(said)}/ready"
    assert eventually(lambda: httpx.get(url).json()["message"] in said[3])


def test_it_says_what_to_do_where_no_model_is_installed(served: Any) -> None:
    _, said = served("--preload", "", "--disable", "whisper,moonshine,echo,slow")
    assert said[1:3] == ["Models: none; see `govor models --all`", "Default: none is installed"]


@pytest.mark.parametrize(
    "name", ["GOVOR_API_KEY", "GOVOR_KEY", "GOVOR_KEYS", "GOVOR_TOKEN", "govor_api_token"]
)
def test_a_key_in_the_wrong_variable_does_not_leave_the_server_open(shell: Any, name: str) -> None:
    result = shell.run("serve", "--port", "0", **{name: "sk-entirely-secret"})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith(f"govor: {name} is ")
    assert "GOVOR_API_KEYS" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    "env",
    [
        {"GOVOR_API_KEY": "sk", "GOVOR_API_KEYS": "sk,other"},
        {"GOVOR_API_KEY": "chief", "GOVOR_ADMIN_KEY": "chief"},
        {"GOVOR_API_KEY": ""},
        {"OPENAI_API_KEY": "sk"},
    ],
)
def test_a_clients_key_beside_those_of_the_server_does_no_harm(served: Any, env: dict[str, str]) -> None:
    _, said = served("--preload", "", **env)
    assert httpx.get(f"{address(said)}/health").status_code == 200


def test_it_listens_on_loopback_only(served: Any) -> None:
    _, said = served("--preload", "")
    port = int(address(said).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_server_on_every_address_says_so_and_how_this_machine_reaches_it(served: Any) -> None:
    _, said = served("--preload", "", "--bind", "0.0.0.0:0", "--bind", "127.0.0.1:0")
    match = re.fullmatch(
        r"Govor listens on every address of this machine, port (\d+), also on http://127\.0\.0\.1:\d+  "
        r"\(API: (http://127\.0\.0\.1:\1)/v1, its pages: \2/docs\)",
        said[0],
    )
    assert match, said[0]
    assert match[2] in said[4]
    assert httpx.get(f"{match[2]}/health").status_code == 200


def test_a_taken_port_is_one_line(shell: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = shell.run("serve", "--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    taken = (
        f"govor: Cannot listen on 127.0.0.1, port {port}: Address already in use. Choose another --port.\n"
    )
    assert result.stderr == taken


def test_a_host_that_is_not_here_is_told(shell: Any) -> None:
    result = shell.run("serve", "--host", "192.0.2.1", GOVOR_API_KEYS="sk")
    assert result.returncode == 1
    assert result.stderr.startswith("govor: Cannot listen on 192.0.2.1, port 8000: ")
    assert result.stderr.endswith("Choose another --host.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_although_a_client_holds_a_connection(
    served: Any, number: signal.Signals
) -> None:
    process, said = served("--preload", "")
    with httpx.Client(base_url=address(said)) as client:
        assert client.get("/health").status_code == 200
        process.send_signal(number)
        ended(process, seconds=4)


def test_a_signal_ends_it_at_once_although_a_model_is_loading(served: Any) -> None:
    process, _ = served("--preload", "never-loaded")
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGTERM)
    ended(process, seconds=4)


def test_a_transcription_under_way_is_answered_before_it_ends(served: Any, post: Any) -> None:
    process, said = served("--preload", "")
    answer = post(address(said))
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGTERM)
    process.stdin.write("\n")
    process.stdin.flush()
    assert answer.result(30).json()["text"] == "done"
    ended(process)


def test_a_transcription_that_does_not_end_is_cut_off_and_its_client_told(served: Any, post: Any) -> None:
    process, said = served("--preload", "", "--drain-seconds", "1")
    answer = post(address(said), prompt="forever")
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGTERM)
    assert "requests under way are ended" in ended(process)
    assert answer.result(30).status_code == 503
    assert answer.result().json()["error"]["code"] == "shutting_down"


def test_a_client_of_http_2_that_takes_nothing_is_cut_off_without_a_traceback(served: Any) -> None:
    process, said = served("--preload", "", "--drain-seconds", "1")
    client = Connection(int(address(said).rpartition(":")[2]), window=10)
    client.post("/v1/audio/transcriptions", media.silence(1))
    client.begin()
    process.send_signal(signal.SIGTERM)
    ended(process)
    client.close()


@pytest.mark.slow
def test_an_upload_that_does_not_end_is_cut_off_without_a_traceback(served: Any) -> None:
    process, said = served("--preload", "", "--drain-seconds", "1")
    head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n"
    form = "Content-Type: multipart/form-data; boundary=edge\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(address(said).rpartition(":")[2]))) as client:
        client.sendall((head + form).encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"--edge\r\n")
        process.send_signal(signal.SIGTERM)
        ended(process)


def test_a_second_interrupt_does_not_wait(served: Any, post: Any) -> None:
    process, said = served("--preload", "")
    answer = post(address(said), prompt="forever")
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    while "Stopping; a second signal" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(4) == 130
    with pytest.raises(httpx.TransportError):
        answer.result(30)


def test_answers_on_an_open_connection_do_not_wait_for_acknowledgements() -> None:
    with bind(Settings(port=0))[0] as bound:
        assert (
            bound.proto == socket.IPPROTO_TCP
        )  # what asyncio goes by when it switches Nagle's algorithm off
