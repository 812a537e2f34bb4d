"""Settings of a server's process, made before it has threads: memory, files, collector."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
from contextlib import suppress

ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
ARENAS = 2
"""glibc makes up to eight per core, and each keeps freed memory: 13 MiB more after ten hours."""

MOST_FILES = 65_536
"""More than connections need. With a limit of a billion, code that loops over all files takes minutes."""

SPARE_FILES = 512
"""Files kept free of connections, at most a quarter of all: for uploads, decoding, models, jobs."""


def prepare() -> None:
    """Make all these settings; the collector then ignores the modules imported so far."""
    bound_arenas()
    raise_files()
    spare_collector()


def bound_arenas() -> None:
    """Limit glibc's arenas, unless the environment does; other C libraries need no limit."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)


def raise_files() -> None:
    """Raise the limit of open files: the usual 1024 is for programs that use select(2).

    Go does the same at the start of every program (os/rlimit.go).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # if less is allowed than reported, as on macOS, it stays
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """Return how many connections to accept so that the process never lacks files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if soft == resource.RLIM_INFINITY else soft
    return files - min(files // 4, SPARE_FILES)


def spare_collector() -> None:
    """Exclude permanent objects from garbage collection, which stops every thread while it runs.

    The modules imported so far take 20 ms and more each time, and many connections trigger it often. Models
    are loaded later and stay included, so that an unloaded one is freed.
    """
    gc.collect()
    gc.freeze()
