"""Limits that a decoder process sets for itself before it reads the first byte of a recording."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # prctl(2)
NICENESS = 10  # a file made to be slow gets only time that other processes leave
FIRST_VICTIM = 1000  # oom_score_adj, proc(5): the system ends a decoder before the server
ORDERS = 3  # descriptor of the socket for recordings
LOG = 2  # descriptor of standard error


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one recording. An ordinary one takes a hundredth of them."""

    memory_bytes: int = 256 << 20
    """In addition to the memory of the program itself. The index of ten hours of film takes 150 MB."""
    cpu_seconds: float = 4.0
    """Until the first frame, for a file of size zero."""
    cpu_per_megabyte: float = 0.1
    """For each MB of the file: garbage after a transport stream takes 0.04 s to search."""
    cpu_per_second: float = 0.15
    """For each second of decoded sound: TrueHD of eight channels takes 0.02 s."""
    cpu_per_silent_second: float = 0.015
    """For each second of silence that replaces missing sound: any file may state much of it."""


class Allowance:
    """CPU seconds, which grow with the decoded sound. The system ends a process that takes more."""

    def __init__(self, limits: Limits, file_bytes: int):
        """Allow for the first frame of a file of this size, from the CPU time used so far."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        self._base = used.ru_utime + used.ru_stime + limits.cpu_seconds
        self._base += limits.cpu_per_megabyte * file_bytes / 1e6
        self._each, self._each_silent = limits.cpu_per_second, limits.cpu_per_silent_second
        self._soft = 0
        self.extend(0.0, 0.0)

    def extend(self, heard: float, filled: float) -> None:
        """Allow for the totals of decoded sound and inserted silence, in seconds."""
        wanted = int(self._base + self._each * heard + self._each_silent * filled) + 1
        if wanted > self._soft:
            self._soft = wanted
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def confine(limits: Limits, silent: int) -> None:
    """Give up what a decoder does not need: descriptors above `ORDERS`, files, unlimited memory.

    The output of the libraries goes to the descriptor `silent`.
    """
    os.dup2(silent, LOG)
    os.closerange(ORDERS + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_VICTIM), encoding="ascii")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with suppress(OSError):
        os.nice(NICENESS)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    data = data_bytes()
    if data is not None:
        _limit(resource.RLIMIT_DATA, data + limits.memory_bytes)
    # Last: beside a recording and the socket for its answer, the process can open no file and no socket.
    _limit(resource.RLIMIT_NOFILE, ORDERS + 3)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def data_bytes() -> int | None:
    """Return this process's private writable memory in bytes; None: the system does not say (not Linux)."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) << 10
    return None
