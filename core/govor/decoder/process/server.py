"""A process that has imported PyAV and forks the decoder processes: 3 ms instead of 200.

It has one thread and reads nothing of any recording. Processes that are done wait for the next recording; one
more waits than is needed. If the server ends, this process and all decoders end too.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from govor.decoder.process import child
from govor.decoder.process.confinement import Limits
from govor.decoder.process.decoding import import_all, warm_up
from govor.decoder.wire import DONE, LAST, NOT_STARTED, REQUEST, STATUS

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Sent to the whole process group to stop the server: recordings in progress are decoded to their end."""

MOST_IDLE = 4
"""Most processes that wait for recordings; each takes 7 MB that it does not share."""

GRACE_SECONDS = 0.5
"""Time for a process to notice that its recording is no longer needed: one that writes notices it, one in an
endless loop does not.
"""


@dataclass(slots=True, eq=False)
class Worker:
    """A decoder process and its recording."""

    process: int
    orders: socket.socket
    status: int | None = None
    """Descriptor of the pipe for the exit status; None: the status is not needed."""
    deadline: float | None = None
    """When the process is killed, in seconds of the monotonic clock."""
    busy: bool = False


class ForkServer:
    """Serves the requests from `control` until it is closed."""

    def __init__(self, control: socket.socket, limits: Limits):
        self._control = control
        self._limits = limits
        self._workers: dict[int, Worker] = {}
        self._poll = select.poll()
        self._silent = os.open(os.devnull, os.O_WRONLY)
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wakes, False)

    def run(self) -> None:
        """Serve until the server has gone."""
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        import_all()
        warm_up()
        gc.collect()
        gc.freeze()  # objects so far stay in memory that all processes share
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        while self._step():
            self._end_overdue()
            if not any(not worker.busy for worker in self._workers.values()):
                self._fork(warm=True)
        for process in self._workers:
            os.kill(process, signal.SIGKILL)

    def _step(self) -> bool:
        """Handle all pending events; return False if the server has gone."""
        going = True
        for descriptor, _ in self._poll.poll(self._until_deadline()):
            if descriptor == self._control.fileno():
                going = self._take()
            elif descriptor == self._woken:
                self._reap()
            else:
                self._handle(descriptor)
        return going

    def _take(self) -> bool:
        """Pass a request to a process; return False if the server has gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, len(REQUEST), 3)
        except OSError:
            return False
        if not data:
            return False
        recording, answer, status = descriptors
        worker = next((one for one in self._workers.values() if not one.busy), None) or self._fork()
        if worker is None:
            _report(status, NOT_STARTED)
        else:
            worker.busy, worker.status = True, status
            self._poll.register(status, 0)  # wakes when the reader has gone
            with suppress(OSError):  # the process has just ended: that is reported when it is reaped
                socket.send_fds(worker.orders, [REQUEST], [recording, answer])
        os.close(recording)
        os.close(answer)
        return True

    def _fork(self, *, warm: bool = False) -> Worker | None:
        """Return a new process, which waits; None: the system cannot start one."""
        ours, theirs = socket.socketpair()
        try:
            process = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return None
        if process == 0:
            code = 1
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                if warm:
                    warm_up()  # now, rather than while a client waits
                code = child.work(theirs, self._silent, self._limits)
            finally:
                os._exit(code)
        theirs.close()
        worker = self._workers[process] = Worker(process, ours)
        self._poll.register(ours, select.POLLIN)
        return worker

    def _handle(self, descriptor: int) -> None:
        """Handle a message of a process, or that the reader of its status has gone."""
        for worker in self._workers.values():
            if descriptor == worker.status and not self._is_done(worker):
                self._forget(worker)
                worker.deadline = time.monotonic() + GRACE_SECONDS
                return
            if descriptor == worker.orders.fileno():
                self._is_done(worker)
                return

    def _is_done(self, worker: Worker) -> bool:
        """Tell whether a process is done with its recording; it then waits for another, or is dismissed."""
        if worker.orders.fileno() == -1:
            return False
        try:
            said = worker.orders.recv(len(DONE), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            said = b""
        if not said:  # it ends; the status is known when it is reaped
            self._dismiss(worker)
            return False
        worker.busy, worker.deadline = False, None
        self._forget(worker)
        if said == LAST or sum(not one.busy for one in self._workers.values()) > MOST_IDLE:
            self._dismiss(worker)
        return True

    def _dismiss(self, worker: Worker) -> None:
        """Give a process no more recordings; it ends, if it has not yet done so."""
        worker.busy = True
        if worker.orders.fileno() != -1:
            self._poll.unregister(worker.orders)
            worker.orders.close()

    def _reap(self) -> None:
        """Report the exit status of processes that have ended."""
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)
        while self._workers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            worker = self._workers.pop(process)
            self._dismiss(worker)
            descriptor = worker.status
            self._unregister(worker)
            if descriptor is not None:
                _report(descriptor, status)

    def _forget(self, worker: Worker) -> None:
        """Stop reporting on a process: close its status pipe."""
        status = worker.status
        self._unregister(worker)
        if status is not None:
            os.close(status)

    def _unregister(self, worker: Worker) -> None:
        if worker.status is not None:
            self._poll.unregister(worker.status)
            worker.status = None

    def _until_deadline(self) -> float | None:
        """Milliseconds until the next deadline of a process; None: there is none."""
        deadlines = [worker.deadline for worker in self._workers.values() if worker.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 if deadlines else None

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for process, worker in self._workers.items():
            if worker.deadline is not None and worker.deadline <= now:
                os.kill(process, signal.SIGKILL)  # it has not been waited for, so the number is still its own
                worker.deadline = None


def _report(descriptor: int, status: int) -> None:
    with suppress(OSError):  # the reader has gone
        os.write(descriptor, STATUS.pack(status))
    os.close(descriptor)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Do nothing: the signal only wakes the poll."""
