"""Trace the system calls of a process and its children: addresses, look-ups of names, files that they write.

strace works below every library: it sees threads of C++ code too, which Python's audit hooks do not.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

REACHING = ("connect", "bind", "sendto", "sendmsg", "sendmmsg")
OPENING = ("open", "openat", "openat2", "creat")
MAKING = ("mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
          "mknod", "mknodat", "unlink", "unlinkat", "truncate")  # fmt: skip
WRITING = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TMPFILE")
RESOLVING = re.compile(r'"/etc/(resolv\.conf|hosts|nsswitch\.conf|gai\.conf|services)"|nscd')
CALL = re.compile(r"(\d+)\s+(\w+)\((.*)")
NAME = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
HARMLESS = re.compile(r"/dev/(null$|tty$|pts/\d+$|shm/sem\.)|/proc/self/")
"""Devices, semaphores, and Linux's information on the process: nothing persistent."""


@dataclass(frozen=True)
class Trace:
    """The events of a trace, each once, in order."""

    addresses: tuple[str, ...]
    """Calls that name an address: "bind 127.0.0.1:8000"."""
    lookups: tuple[str, ...]
    """Files that are read, and services that are called, to resolve a name."""
    written: tuple[Path, ...]
    """Files and folders that were opened for writing, created, renamed or deleted, or attempted to be."""

    def outside(self, folders: Iterable[Path]) -> list[Path]:
        """Return the written paths outside these folders."""
        own = [folder.resolve() for folder in folders]
        return [path for path in self.written if not any(path.is_relative_to(folder) for folder in own)]


def traced(command: Sequence[str], log: Path) -> list[str]:
    """Return the command that runs `command` and logs its system calls to `log`."""
    calls = ",".join((*REACHING, *OPENING, *MAKING))
    options = ["-f", "-y", "-qq", "--seccomp-bpf", "-s", "4096", "-e", "signal=none", "-e", f"trace={calls}"]
    return ["strace", *options, "-o", str(log), *command]


def read_trace(log: Path) -> Trace:
    """Parse strace's log."""
    addresses, lookups, written = {}, {}, {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = CALL.match(line)
        if not match:
            continue  # the second half of a call that was interrupted by another thread's
        call, arguments = match[2], match[3]
        if RESOLVING.search(arguments):
            lookups[arguments] = True
        if call in REACHING and (address := _address(arguments)):
            addresses[f"{call} {address}"] = True
        if call in MAKING or call == "creat" or (call in OPENING and WRITING.search(arguments)):
            for path in _paths(arguments):
                written[path] = True
    return Trace(tuple(addresses), tuple(lookups), tuple(written))


def _address(arguments: str) -> str:
    """Return the address in a call; "" if it has none, as on a connected socket."""
    if not (family := re.search(r"sa_family=(\w+)", arguments)):
        return ""
    host = re.search(r'inet_addr\("([^"]*)"|inet_pton\(AF_INET6, "([^"]*)"|sun_path=@?"([^"]*)"', arguments)
    port = re.search(r"port=htons\((\d+)\)", arguments)
    where = next((found for found in host.groups() if found), "") if host else family[1]
    return f"{where}:{port[1]}" if port else where


def _paths(arguments: str) -> list[Path]:
    found = [Path(folder, name) for folder, name in NAME.findall(arguments)]
    return [path for path in found if not HARMLESS.match(str(path))]


@functools.cache
def why_not() -> str:
    """Return why this machine cannot trace; "" if it can."""
    if sys.platform != "linux":
        return "strace is Linux's"
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"the kernel forbids strace: {tried.stderr.strip()}"


@functools.cache
def apart() -> tuple[str, ...]:
    """Return the command prefix for a network namespace of its own; empty if that is forbidden."""
    prefix = ("unshare", "-rn")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return prefix if allowed else ()
