"""A model hub on loopback: as much of the Hugging Face hub as its client's downloads need, and its failures.

Large files lie on a second server, as on the real hub, whose answer for them is a redirect to another host.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

PATIENCE_SECONDS = 60
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RESOLVE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>[^?]+)")


@dataclass
class Hub:
    """What is on the hub, how it misbehaves, and what it was asked for."""

    url: str = ""
    storage: str = ""
    """Address of the second server."""
    gate: threading.Event | None = None
    """Holds every file's bytes back until it is set."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each (method, file name) was asked of the hub."""
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released whenever a file's bytes are asked for, before the gate."""
    _files: dict[tuple[str, str], tuple[bytes, bool]] = field(default_factory=dict)
    _blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _status: dict[str, int] = field(default_factory=dict)
    _spoilt: Counter[str] = field(default_factory=Counter)
    _dropped: Counter[str] = field(default_factory=Counter)

    def put(self, repository: str, name: str, content: bytes, *, large: bool = True) -> str:
        """Publish a file, LFS where `large`; return the source that leads to it."""
        self._files[repository, name] = content, large
        self._blobs[hashlib.sha256(content).hexdigest()] = name, content
        return f"hf:{repository}@{COMMIT}/{name}"

    def refuse(self, name: str, status: int) -> None:
        """Answer every request for a file with this status."""
        self._status[name] = status

    def spoil(self, name: str, times: int = 1_000) -> None:
        """Send a file with its first byte changed, so many times."""
        self._spoilt[name] = times

    def drop(self, name: str, times: int = 1_000) -> None:
        """Break the connection off in the middle of a file, so many times."""
        self._dropped[name] = times

    def fetched(self, name: str) -> int:
        """How often a file's bytes were asked for."""
        return self.requests["GET", name]

    def content(self, sha256: str) -> tuple[str, bytes, bool]:
        """Name and bytes of a blob as it is sent this time, and whether the connection breaks in it."""
        name, content = self._blobs[sha256]
        self.requests["GET", name] += 1
        self.waiting.release()
        if self.gate is not None and not self.gate.wait(PATIENCE_SECONDS):
            raise TimeoutError("no test opened the gate")
        if self._spoilt[name] > 0:
            self._spoilt[name] -= 1
            content = bytes([content[0] ^ 1]) + content[1:]
        broken = self._dropped[name] > 0
        self._dropped[name] -= broken
        return name, content, broken

    def find(self, repository: str, name: str) -> tuple[int, bytes, bool]:
        """Status of a file, its bytes, and whether they lie on the second server."""
        if name in self._status:
            return self._status[name], b"", False
        if (repository, name) not in self._files:
            return 404, b"", False
        return 200, *self._files[repository, name]


class Quiet(BaseHTTPRequestHandler):
    """A handler that logs nothing; one request per connection."""

    hub: ClassVar[Hub]

    def log_message(self, *args: object) -> None:
        pass

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def send_blob(self, sha256: str, headers: dict[str, str]) -> None:
        """Send a file or, asked for with Range, the rest of one; break off where the test says so."""
        _, content, broken = self.hub.content(sha256)
        first = int(re.sub(r"\D", "", self.headers.get("Range", "0")) or 0)
        headers = {"Content-Length": str(len(content) - first), **headers}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self.send_response(206 if first else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        rest = content[first:]
        self.wfile.write(rest[: len(rest) // 2] if broken else rest)
        if broken:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


class Front(Quiet):
    """The hub itself."""

    def do_HEAD(self) -> None:
        self.resolve()

    def do_GET(self) -> None:
        self.resolve()

    def resolve(self) -> None:
        match = RESOLVE.fullmatch(self.path)
        if not match:
            self.answer(404, {})
            return
        name = match["name"]
        if self.command == "HEAD":
            self.hub.requests["HEAD", name] += 1
        status, content, large = self.hub.find(match["repository"], name)
        if status != 200:
            self.answer(status, {"X-Error-Code": "EntryNotFound"} if status == 404 else {})
            return
        sha256 = hashlib.sha256(content).hexdigest()
        commit = {"X-Repo-Commit": match["revision"]}
        if large:
            linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(content))}
            self.answer(302, {"Location": f"{self.hub.storage}/{sha256}", **commit, **linked})
            return
        etag = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', **commit}
        if self.command == "HEAD":
            self.answer(200, {"Content-Length": str(len(content)), **etag})
        else:
            self.send_blob(sha256, etag)


class Storage(Quiet):
    """Where large files lie."""

    def do_GET(self) -> None:
        self.send_blob(self.path.strip("/"), {})


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """Run a hub in two threads until the block ends."""
    hub = Hub()
    with ExitStack() as stack:
        hub.url = stack.enter_context(_serving(type("Front", (Front,), {"hub": hub})))
        hub.storage = stack.enter_context(_serving(type("Storage", (Storage,), {"hub": hub})))
        yield hub


@contextmanager
def _serving(handler: type[Quiet]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def standing_in(cache: Path) -> Iterator[Hub]:
    """Have the hub's client in this process ask a stand-in, keep its cache in `cache`, and not pause."""
    hasty = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})  # it waits 23 s for a dead hub
    with serving_hub() as hub, pytest.MonkeyPatch.context() as patch:
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)  # the client reads these at its import
        patch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setattr("huggingface_hub.utils._http.time", hasty)
        patch.setattr("huggingface_hub.file_download.time", hasty)
        yield hub
