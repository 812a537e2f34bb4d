"""A model hub on loopback: as much of the Hugging Face hub as its client's downloads need, and its failures.

It supports model info, trees, resolve with redirects, ETag and Range. Large files are on a second server, as
on the real hub, which redirects to another host for them. Every byte it sends is counted.
"""

from __future__ import annotations

import hashlib
import json
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
PIECE_BYTES = 16_384
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RESOLVE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>[^?]+)")
API = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)/revision/(?P<revision>[^/?]+).*")
GATED = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this repository is restricted."}


@dataclass
class Hub:
    """The hub's content, its faults, and the requests to it."""

    url: str = ""
    storage: str = ""
    """Address of the second server."""
    gate: threading.Event | None = None
    """Holds every file's bytes back until it is set."""
    closing: threading.Event = field(default_factory=threading.Event)
    """Set when the hub ends."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Number of requests to the hub for each (method, file name)."""
    sent: Counter[str] = field(default_factory=Counter)
    """Bytes of each file that were sent, broken answers included."""
    tokens: list[str] = field(default_factory=list)
    """`Authorization` headers of the requests for files."""
    storage_tokens: list[str] = field(default_factory=list)
    """The same on the second server."""
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released whenever a file's bytes are requested, before the gate."""
    lies: dict[str, str] = field(default_factory=dict)
    """False statements about every file: "etag", "commit", "size"; about every list, "name"."""
    _files: dict[tuple[str, str], tuple[bytes, bool]] = field(default_factory=dict)
    _blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _status: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    _refusals: Counter[str] = field(default_factory=Counter)
    _spoilt: Counter[str] = field(default_factory=Counter)
    _dropped: Counter[str] = field(default_factory=Counter)
    _stalled: set[str] = field(default_factory=set)

    def put(self, repository: str, name: str, content: bytes, *, large: bool = True) -> str:
        """Publish a file, in LFS if `large`; return its source."""
        self._files[repository, name] = content, large
        self._blobs[hashlib.sha256(content).hexdigest()] = name, content
        return f"hf:{repository}@{COMMIT}/{name}"

    def plain(self, content: bytes, name: str = "weights.bin") -> str:
        """Publish a file outside any repository; return its address, which supports Range but not HEAD."""
        sha256 = hashlib.sha256(content).hexdigest()
        self._blobs[sha256] = name, content
        return f"{self.storage}/{sha256}"

    def refuse(
        self, name: str, status: int, *, times: int = 1_000, headers: dict[str, str] | None = None
    ) -> None:
        """Answer so many requests for a file with this status."""
        self._status[name], self._refusals[name] = (status, headers or {}), times

    def spoil(self, name: str, times: int = 1_000) -> None:
        """Send a file with its first byte changed, so many times."""
        self._spoilt[name] = times

    def drop(self, name: str, times: int = 1_000) -> None:
        """Break the connection off in the middle of a file, so many times."""
        self._dropped[name] = times

    def stall(self, name: str) -> None:
        """Send the first half of a file, and then nothing, until the hub closes."""
        self._stalled.add(name)

    def go_on(self, name: str) -> None:
        """Stop stalling."""
        self._stalled.discard(name)

    def close(self) -> None:
        """Release all waiting requests."""
        self.closing.set()

    def fetched(self, name: str) -> int:
        """Return how often a file's bytes were requested."""
        return self.requests["GET", name]

    def content(self, sha256: str) -> tuple[str, bytes, bool]:
        """Return name and bytes of a blob as sent this time, and whether the connection breaks off in it."""
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

    def find(self, repository: str, name: str) -> tuple[bytes, bool] | None:
        """Return the bytes of a file, and whether they are on the second server."""
        return self._files.get((repository, name))

    def refusal(self, name: str) -> tuple[int, dict[str, str]] | None:
        """Return status and headers of an answer that refuses a file."""
        if self._refusals[name] <= 0:
            return None
        self._refusals[name] -= 1
        return self._status[name]

    def siblings(self, repository: str) -> list[dict[str, object]]:
        """Return the files of a repository as the hub lists them."""
        return [
            {
                "rfilename": self.lies.get("name", name),
                "size": len(content),
                "blobId": hashlib.sha1(content).hexdigest(),
                **({"lfs": lfs_of(content)} if large else {}),
            }
            for (owner, name), (content, large) in self._files.items()
            if owner == repository
        ]

    def stalls(self, name: str) -> bool:
        """Tell whether the second half of a file is withheld."""
        return name in self._stalled


def lfs_of(content: bytes) -> dict[str, object]:
    """Return what the hub states of a file in LFS."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}


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
        """Send a file or, for a Range, the rest of one; break off if the test says so."""
        name, content, broken = self.hub.content(sha256)
        first = int(re.sub(r"\D", "", self.headers.get("Range", "0")) or 0)
        if first >= len(content):
            self.answer(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        headers = {"Content-Length": str(len(content) - first), **headers}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self.send_response(206 if first else 200)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        rest = content[first:]
        stalls = self.hub.stalls(name)
        half = max(len(content) // 2 - first, 0) if stalls else len(rest) // 2
        self.send_counted(name, rest[:half])
        if stalls:
            self.hub.closing.wait(PATIENCE_SECONDS)
        if stalls or broken:
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.send_counted(name, rest[half:])

    def send_counted(self, name: str, content: bytes) -> None:
        """Send bytes, counted as they are sent; stop if the client disconnects."""
        for start in range(0, len(content), PIECE_BYTES):
            piece = content[start : start + PIECE_BYTES]
            try:
                self.wfile.write(piece)
            except OSError:
                return
            self.hub.sent[name] += len(piece)


class Front(Quiet):
    """The hub itself."""

    def do_HEAD(self) -> None:
        self.resolve()

    def do_GET(self) -> None:
        self.resolve()

    def resolve(self) -> None:
        if match := API.fullmatch(self.path):
            self.describe(match["repository"])
            return
        match = RESOLVE.fullmatch(self.path)
        if not match:
            self.answer(404, {})
            return
        name = match["name"]
        if self.command == "HEAD":
            self.hub.requests["HEAD", name] += 1
        self.hub.tokens.append(self.headers.get("Authorization", ""))
        if refusal := self.hub.refusal(name):
            self.answer(*refusal)
            return
        found = self.hub.find(match["repository"], name)
        if found is None:
            self.answer(404, {"X-Error-Code": "EntryNotFound"})
            return
        content, large = found
        sha256 = hashlib.sha256(content).hexdigest()
        lies = self.hub.lies
        commit = {"X-Repo-Commit": lies.get("commit", COMMIT)}
        if large:
            size = lies.get("size", str(len(content)))
            linked = {"X-Linked-Etag": f'"{lies.get("etag", sha256)}"', "X-Linked-Size": size}
            self.answer(302, {"Location": f"{self.hub.storage}/{sha256}", **commit, **linked})
            return
        etag = {"ETag": f'"{lies.get("etag", hashlib.sha1(content).hexdigest())}"', **commit}
        if self.command == "HEAD":
            self.answer(200, {"Content-Length": str(len(content)), **etag})
        else:
            self.send_blob(sha256, etag)

    def describe(self, repository: str) -> None:
        """Answer a request to the hub's API about a repository, with its files."""
        self.hub.requests["API", repository] += 1
        if refusal := self.hub.refusal(repository):
            self.answer(*refusal)
            return
        siblings = self.hub.siblings(repository)
        if not siblings:
            self.answer(404, {"X-Error-Code": "RepoNotFound"})
            return
        sha = self.hub.lies.get("commit", COMMIT)
        info = {"id": repository, "modelId": repository, "sha": sha, "siblings": siblings}
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(info).encode())


class Storage(Quiet):
    """The second server, for large files."""

    def do_HEAD(self) -> None:
        self.answer(405, {})

    def do_GET(self) -> None:
        self.hub.storage_tokens.append(self.headers.get("Authorization", ""))
        self.send_blob(self.path.strip("/"), {})


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """Run a hub in two threads until the block ends."""
    hub = Hub()
    with ExitStack() as stack:
        hub.url = stack.enter_context(_serving(type("Front", (Front,), {"hub": hub})))
        hub.storage = stack.enter_context(_serving(type("Storage", (Storage,), {"hub": hub})))
        stack.callback(hub.close)
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
    """Make the hub's client in this process use a stand-in, with its cache in `cache`, and without pauses."""
    hasty = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})  # it waits 23 s for a dead hub
    with serving_hub() as hub, pytest.MonkeyPatch.context() as patch:
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)  # the client reads these at its import
        patch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setattr("huggingface_hub.utils._http.time", hasty)
        patch.setattr("govor.models.download.http_download.PAUSES_SECONDS", (0.0, 0.0, 0.0))
        patch.setattr("govor.models.download.hub.PAUSES_SECONDS", (0.0, 0.0, 0.0))
        yield hub
