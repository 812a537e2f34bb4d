"""Whose threads a core that several want is for."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

NICENESS = 5
"""Of workers that may have to share a core with a hurried call, above the server's own: it then gets three
quarters of it."""


def lower_thread_priority() -> None:
    """Leave most of a core to a hurried call that wants it too. Runs in the worker's thread."""
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        thread = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it; who begins a worker's thread so must not fail
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
