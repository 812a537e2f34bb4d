"""Lower the priority of worker threads, so that urgent calls get most of a core (Linux)."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

NICENESS = 5
"""Added to the niceness of worker threads; an urgent call that shares a core with one of them then gets three
quarters of the core."""


def lower_thread_priority() -> None:
    """Lower the priority of the calling worker thread, in favour of urgent calls on the same core."""
    if sys.platform == "linux":  # other systems have no priority per thread
        thread = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it; the worker must start all the same
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
