"""What is set once for a server's process, before it has threads: memory, its collector, who runs when."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from contextlib import suppress

ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
ARENAS = 2
"""glibc makes up to eight per core, and each keeps what passed through it: 13 MiB more after ten hours."""

MOST_FILES = 65_536
"""More than connections need. Of a limit of a billion, whoever goes through all files takes minutes."""

SPARE_FILES = 512
"""Files that connections leave to the rest, at most a quarter: uploads, their decoding, models, the jobs."""

SWITCH_SECONDS = 0.001
"""How long a thread may go on in Python while the event loop waits to. With Python's own 5 ms a probe amid a
crowd took half as long again."""


def prepare() -> None:
    """Set all of it; the collector passes over what has been imported by now."""
    bound_arenas()
    raise_files()
    spare_collector()
    sys.setswitchinterval(SWITCH_SECONDS)


def bound_arenas() -> None:
    """Limit glibc's arenas, unless the environment does; elsewhere there is nothing to limit."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)


def raise_files() -> None:
    """Let the process have as many files as it may: the usual 1024 is for programs that use select(2).

    So does Go at the start of every program (os/rlimit.go).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # where less is allowed than is told, as on macOS, it stays
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """How many connections there may be, so that the process never lacks a file."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if soft == resource.RLIM_INFINITY else soft
    return files - min(files // 4, SPARE_FILES)


def spare_collector() -> None:
    """Let the garbage collector pass over what is there for good: it stops every thread while it looks.

    What has been imported by now takes it 20 ms and more each time, and a crowd of connections calls it again
    and again. Models come later and are not meant: one that is unloaded must go.
    """
    gc.collect()
    gc.freeze()
