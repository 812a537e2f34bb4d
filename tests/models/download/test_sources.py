"""Sources of files, and their errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from govor.models.download.http_download import SourceAbsent, fetch
from govor.models.download.part import Part
from govor.models.download.progress import Transfer
from govor.models.download.sources import package_paths, read_joined

BYTES = b"weights " * 300_000


class Publisher(BaseHTTPRequestHandler):
    """Serves one file, in several ways."""

    def do_GET(self) -> None:
        status = {"/gone": 404, "/moved": 302, "/nonsense": 200}.get(self.path, 200)
        if self.path == "/nonsense":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            return
        self.send_response(status)
        if self.path == "/moved":
            self.send_header("Location", "/file")
        if self.path != "/unmeasured":
            self.send_header("Content-Length", str(len(BYTES) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(BYTES[: len(BYTES) // 2] if self.path == "/broken" else BYTES)

    def log_message(self, *args: object) -> None:
        pass


def read_url(url: str, folder: Path) -> bytes:
    """Return the content of an address, without a pause between attempts."""
    with Part(folder / "file.part", keep=False, md5=False) as part:
        fetch(url, part, Transfer(), "file", timeout=5, only_https=True)
        return part.path.read_bytes()


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], bytes]]:
    """Read a path of a publisher. In production its address is https: the store accepts no other."""
    monkeypatch.setattr("govor.models.download.http_download.PAUSES_SECONDS", (0.0,))
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield lambda path: read_url(f"http://127.0.0.1:{server.server_port}{path}", tmp_path)
        server.shutdown()
        thread.join()


def test_an_address_gives_its_bytes(read: Callable[[str], bytes]) -> None:
    assert read("/file") == BYTES


def test_an_address_that_states_no_length_gives_its_bytes(read: Callable[[str], bytes]) -> None:
    assert read("/unmeasured") == BYTES


def test_an_address_without_the_file_is_absent(read: Callable[[str], bytes]) -> None:
    with pytest.raises(SourceAbsent, match="404"):
        read("/gone")


def test_an_answer_that_breaks_off_is_noticed(read: Callable[[str], bytes]) -> None:
    with pytest.raises(SourceAbsent, match="complete message body"):
        read("/broken")


def test_an_answer_that_is_no_http_is_absent(read: Callable[[str], bytes]) -> None:
    with pytest.raises(SourceAbsent, match="RemoteProtocolError"):
        read("/nonsense")


def test_a_redirect_to_plain_http_is_not_followed(read: Callable[[str], bytes]) -> None:
    with pytest.raises(SourceAbsent, match="not https"):
        read("/moved")


def test_a_host_out_of_reach_is_absent(
    free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("govor.models.download.http_download.PAUSES_SECONDS", (0.0,))
    with pytest.raises(SourceAbsent, match="refused"):
        read_url(f"http://127.0.0.1:{free_port}/file", tmp_path)


def test_a_package_that_is_not_installed_is_absent() -> None:
    with pytest.raises(SourceAbsent, match="package no-such-dist is not installed"):
        package_paths("package:no-such-dist/file")


def test_a_file_that_cannot_be_read_is_absent(tmp_path: Path) -> None:
    with pytest.raises(SourceAbsent, match="gone"):
        list(read_joined([tmp_path / "gone"]))
