"""Security headers of answers, and information that answers do not reveal."""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from govor.errors import reason
from govor.settings import Settings
from govor.settings.keys import Keys
from govor.testing import FakeBackend, FakeRecognizer, plugins_of

SECRET = "sk-entirely-secret"


@pytest.fixture
def locked(serve: Any) -> Any:
    return serve(preload=(), api_keys=(SECRET,), metrics="main")


@pytest.mark.parametrize(
    ("path", "key"),
    [("/health", ""), ("/v1/models", SECRET), ("/v1/models", ""), ("/nothing", SECRET), ("/metrics", SECRET)],
)
def test_every_answer_is_data_that_no_browser_interprets_frames_or_keeps(
    locked: Any, path: str, key: str
) -> None:
    with locked.client() as client:
        headers = client.get(path, headers={"x-api-key": key}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("stream", ["false", "true"])
def test_no_browser_keeps_what_was_said(locked: Any, speak: Any, stream: str) -> None:
    with locked.client(headers={"x-api-key": SECRET}) as client:
        assert "no-store" in speak(client, data={"stream": stream}).headers["cache-control"]


def test_the_page_of_documentation_runs_its_own_scripts_only(locked: Any) -> None:
    with locked.client() as client:
        page = client.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    script = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert len(script) == 1
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["frame-ancestors"] == policy["default-src"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'"


def test_no_answer_sets_a_cookie_or_is_driven_by_one(locked: Any) -> None:
    with locked.client() as client:
        assert client.get("/v1/models", headers={"cookie": f"api_key={SECRET}"}).status_code == 401
        for path in ("/docs", "/health", "/v1/models"):
            assert "set-cookie" not in client.get(path, headers={"x-api-key": SECRET}).headers


@pytest.mark.parametrize("query", ["api_key", "key", "token", "access_token"])
def test_a_key_in_the_address_opens_nothing(locked: Any, query: str) -> None:
    with locked.client() as client:
        assert client.get("/v1/models", params={query: SECRET}).status_code == 401


@pytest.mark.parametrize(
    "key", ["", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET},other", "*", "%", "\x7f", "ключ"]
)
def test_only_the_whole_key_opens(locked: Any, key: str) -> None:
    with locked.client() as client:
        assert client.get("/v1/models", headers={b"x-api-key": key.encode()}).status_code == 401


def test_every_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, key: bytes) -> bool:
        compared.append(key)
        return given == key

    monkeypatch.setattr(hmac, "compare_digest", compare)
    keys = Keys(Settings(api_keys=("a", "b", "c"), admin_key="chief"))
    for given, opens in ((b"a", True), (b"nobody", False)):
        compared.clear()
        assert keys.opens(given) is opens
        assert compared == [b"a", b"b", b"c", b"chief"], "also after one that fits"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PATCH", "PROPFIND"])
def test_methods_that_nobody_needs_are_refused(locked: Any, method: str) -> None:
    with socket.create_connection(("127.0.0.1", locked.port), timeout=60) as connection:
        target = "here:80" if method == "CONNECT" else "/v1/models"
        connection.sendall(
            f"{method} {target} HTTP/1.1\r\nHost: here\r\nX-API-Key: {SECRET}\r\nX-Canary: canary\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = connection.makefile("rb").read()
    assert re.match(rb"HTTP/1\.1 (400|404|405) ", answer)
    assert b"canary" not in answer


def test_an_error_that_nobody_expected_tells_nothing_of_the_inside(
    serve: Any, samples: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeRecognizer):
        def transcribe(self, batch: Any, options: Any) -> Any:
            raise RuntimeError("no '/opt/secret/weights.bin'\nat line 3 of hunter2")

    plugins = plugins_of(Settings(), family=FakeBackend("small", recognizer=Broken))
    server = serve(plugins, default_models=("small",), preload=())
    answer = server.post(samples / "ru_short.wav")
    assert answer.status_code == 500
    assert "hunter2" in caplog.text, "the operator reads it"
    assert "no '…/weights.bin'" in answer.json()["error"]["message"]
    for inside in ("hunter2", "/opt", "Traceback", ".py"):
        assert inside not in answer.text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("cannot open /home/ann/.cache/govor/model.bin", "OSError: cannot open …/model.bin"),
        ("a/b is no model of https://hub.example/a/b", "OSError: a/b is no model of https://hub.example/a/b"),
        ("first\nsecond", "OSError: first"),
        ("x" * 1000, f"OSError: {'x' * 300}"),
    ],
)
def test_of_what_a_library_says_clients_hear_one_line_without_folders(said: str, told: str) -> None:
    assert reason(OSError(said)) == told


def test_no_pickle_no_eval_and_no_shell_in_the_core(root: Path) -> None:
    forbidden = {"eval", "exec", "compile", "pickle", "marshal", "shelve", "system", "popen"}
    found, paths = [], list((root / "core/govor").rglob("*.py"))
    assert len(paths) >= 200
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = [node.func.id]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                named = isinstance(owner, ast.Name) and owner.id in ("os", "subprocess", "builtins")
                names = [node.func.attr] if named else []
                names += ["shell" for word in node.keywords if word.arg == "shell"]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found += [f"{path.name}: {name}" for name in names if name in {*forbidden, "shell"}]
    assert found == []
