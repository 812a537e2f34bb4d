"""Decoder processes: recordings are opened outside the server, so that no file can crash it or slow it down.

A fork server, `govor.decoder`, is started at the first recording and anew if it ends. Thread-safe.
"""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from govor.decoder import wire
from govor.decoder.process.confinement import Limits
from govor.errors import DecodersUnavailable

END_SECONDS = 5.0
"""Seconds that the fork server may take to end on request."""

INHERITED = frozenset(
    {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV"}
)
"""Variables that a decoder process inherits: no keys or other secrets of the server's environment."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """A decoder process at work, as the server sees it."""

    answer: socket.socket
    """Socket for frames of `govor.decoder.wire`."""
    status: int
    """Descriptor of the pipe for the exit status. If the server closes it before, the process is ended."""


class Decoders:
    """Starts a process for each recording that is opened. Close it when the last recording is closed."""

    def __init__(self, limits: Limits | None = None):
        self._limits = limits or Limits()
        self.faults: Counter[str] = Counter()
        """Recordings that made a decoder fail, by reason: crash, cpu, memory, changes, stalled, lost."""
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the fork server now, so that the first recording need not wait for it. Returns at once."""
        with self._lock:
            self._running()

    def begin(self, recording: IO[bytes], selection: wire.TrackSelection) -> Process:
        """Start a process that decodes an open file from its current position. Raises DecodersUnavailable."""
        with ExitStack() as ours, ExitStack() as theirs:
            answer, answering = socket.socketpair()
            ours.callback(answer.close)
            theirs.callback(answering.close)
            answer.sendall(wire.selection_frame(selection))
            status, telling = os.pipe()
            ours.callback(os.close, status)
            theirs.callback(os.close, telling)
            self._send([recording.fileno(), answering.fileno(), telling])
            ours.pop_all()
            return Process(answer, status)

    def fault(self, reason: str) -> None:
        """Count a recording that made a decoder fail."""
        with self._lock:
            self.faults[reason] += 1

    def close(self) -> None:
        """End the fork server and all its processes that are still at work. Takes milliseconds."""
        with self._lock:
            self._discard()

    @property
    def server_id(self) -> int | None:
        """Process id of the fork server; None: it is not running."""
        server = self._server
        return server.pid if server is not None and server.poll() is None else None

    def _send(self, descriptors: list[int]) -> None:
        with self._lock:
            for _ in range(2):  # it may have ended since the last recording; a new one takes the request
                control = self._running()
                try:
                    socket.send_fds(control, [wire.REQUEST], descriptors)
                    return
                except OSError as error:
                    log.warning("The fork server of the decoders has ended: %s", error)
                    self._discard()
        raise DecodersUnavailable("Recordings cannot be decoded now: the decoder process does not start.")

    def _running(self) -> socket.socket:
        """Return the socket of a fork server that appears to run."""
        if self._server is not None and self._server.poll() is not None:
            log.warning(
                "The fork server of the decoders ended with %d; starting another", self._server.poll()
            )
            self._discard()
        if self._control is None:
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    self._server = _spawn(theirs, self._limits)
                except OSError as error:
                    ours.close()
                    raise DecodersUnavailable(
                        f"Recordings cannot be decoded now: no process can be started ({error.strerror})."
                    ) from error
            self._control = ours
        return self._control

    def _discard(self) -> None:
        control, server, self._control, self._server = self._control, self._server, None, None
        if control is not None:
            control.close()  # it ends when this is closed
        if server is not None:
            try:
                server.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _spawn(control: socket.socket, limits: Limits) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name in INHERITED}
    ours = str(Path(__file__).parents[2])  # folder of this package, however Python found it
    paths = [ours, *environment.get("PYTHONPATH", "").split(os.pathsep)]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return subprocess.Popen(  # noqa: S603 - this program, by its own interpreter
        [sys.executable, "-P", "-m", "govor.decoder", str(control.fileno()), json.dumps(asdict(limits))],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[control.fileno()],
    )


def exit_status(process: Process) -> int | None:
    """Return a process's status from `os.waitpid` after its answer; None: the fork server has ended too."""
    ready, _, _ = select.select([process.status], [], [], END_SECONDS)
    data = os.read(process.status, wire.STATUS.size) if ready else b""
    return wire.STATUS.unpack(data)[0] if data else None


def wake(process: Process) -> None:
    """End the answer, so that a thread that waits for it wakes up. Does not block."""
    with suppress(OSError):
        process.answer.shutdown(socket.SHUT_RDWR)


def end(process: Process) -> None:
    """Release a process; it ends within moments, whatever it does. Does not block."""
    with suppress(OSError):
        process.answer.close()
    os.close(process.status)
