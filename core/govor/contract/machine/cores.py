"""Count the cores that this process may use, and keep numpy on one of them.

Knows nothing of models.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")

ALLOWED: ContextVar[int | None] = ContextVar("ALLOWED", default=None)
"""Cores that the operator allows all models together; None: no limit."""


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Return the number of cores that this process may use, by its affinity and its container's quota.

    While a model is loaded, the setting `cores` is an upper limit too. A quota of one and a half cores counts
    as two: threads that wait for one another suffer more from a missing core than from one that is taken away
    at times.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota(cgroup) or cores, ALLOWED.get() or cores))


@contextmanager
def no_more_than(cores: int) -> Iterator[None]:
    """Let `usable_cores` return at most `cores` in this block, in this thread."""
    token = ALLOWED.set(cores)
    try:
        yield
    finally:
        ALLOWED.reset(token)


def keep_numpy_on_one_core() -> None:
    """Compute numpy's products in the calling thread, unless the environment says otherwise.

    OpenBLAS reads the variable when numpy is first imported. Without it, OpenBLAS wakes a thread per core,
    which then spins for milliseconds beside other models' work. The last bits of a product depend on the
    number of threads: if one model's plugin set it, another model's text could depend on whether the first is
    loaded.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _quota(cgroup: Path) -> int | None:
    """Return the container's quota in cores, from cgroup v2 or v1 as mounted in it; None: no quota."""
    unified = _words(cgroup / "cpu.max")
    if len(unified) == 2:
        quota, period = unified
    else:
        quota, period = [
            "".join(_words(cgroup / "cpu" / name)) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        ]
    if not (quota.isdigit() and period.isdigit() and int(period)):  # "max" and -1 stand for no quota
        return None
    return math.ceil(int(quota) / int(period))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
