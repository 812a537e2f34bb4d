"""A browser to operate a page: Chromium without a window, controlled over two pipes.

The Chrome DevTools Protocol (chromedevtools.github.io/devtools-protocol): JSON, each with a zero byte after
it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60.0
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it may run as root, and loads this server's pages only
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
)
RECEIVED, LOGGED = "Network.responseReceived", "Log.entryAdded"


class Page:
    """One page. Answers come in the order of commands; events between them are kept."""

    def __init__(self, write: int, read: int):
        self._write, self._read = write, read
        self._data = b""
        self._count = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def tell(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command; return its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, url: str) -> None:
        """Open the page."""
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.tell(f"{domain}.enable")
        self.tell("Page.navigate", url=url)

    def look(self, script: str) -> Any:
        """Return the value of an expression."""
        found = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script: str) -> Any:
        """Return the value of an expression once it has one."""
        end = time.monotonic() + SECONDS
        while not (value := self.look(script)):
            assert time.monotonic() < end, script
            time.sleep(0.05)
        return value

    def choose(self, selector: str, path: Path) -> None:
        """Select a file in an input."""
        root = self.tell("DOM.getDocument")["root"]["nodeId"]
        node = self.tell("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.tell("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def answers(self) -> dict[str, int]:
        """Return the status of every answer, by address."""
        told = [event["params"]["response"] for event in self.events if event.get("method") == RECEIVED]
        return {answer["url"]: answer["status"] for answer in told}

    def complaints(self) -> list[str]:
        """Return the messages of the browser's console."""
        logged = [
            event["params"]["entry"] for event in self.events if event.get("method") == "Log.entryAdded"
        ]
        return [f"{entry['text']} {entry.get('url', '')}" for entry in logged if entry["level"] == "error"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._data:
            assert select.select([self._read], [], [], SECONDS)[0], "the browser says nothing"
            data = os.read(self._read, 2**20)
            assert data, "the browser has ended"
            self._data += data
        message, _, self._data = self._data.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def browsing() -> Iterator[Page]:
    """Start a browser; skip the test if none is installed."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("there is no Chromium here")
    to_browser, from_browser = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # the protocol's pipes are descriptors 3 and 4; a shell puts them there
        shell = f'exec "$0" "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
        process = subprocess.Popen(
            ["bash", "-c", shell, program, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(to_browser[0], from_browser[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        page = Page(to_browser[1], from_browser[0])
        try:
            yield page
        finally:
            page._session = ""
            page.tell("Browser.close")
            process.wait(SECONDS)
            os.close(to_browser[1])
            os.close(from_browser[0])
