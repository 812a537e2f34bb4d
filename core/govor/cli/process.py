"""What is set once for a server's process, before it has threads: memory, its collector, who runs when."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
ARENAS = 2
"""glibc makes up to eight per core, and each keeps what passed through it: 13 MiB more after ten hours."""

SWITCH_SECONDS = 0.001
"""How long a thread may go on in Python while the event loop waits to. With Python's own 5 ms a probe amid a
crowd took half as long again."""


def prepare() -> None:
    """Set all of it; the collector passes over what has been imported by now."""
    bound_arenas()
    spare_collector()
    sys.setswitchinterval(SWITCH_SECONDS)


def bound_arenas() -> None:
    """Limit glibc's arenas, unless the environment does; elsewhere there is nothing to limit."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)


def spare_collector() -> None:
    """Let the garbage collector pass over what is there for good: it stops every thread while it looks.

    What has been imported by now takes it 20 ms and more each time, and a crowd of connections calls it again
    and again. Models come later and are not meant: one that is unloaded must go.
    """
    gc.collect()
    gc.freeze()
