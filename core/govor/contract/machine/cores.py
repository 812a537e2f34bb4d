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
MEMBERSHIP = Path("/proc/self/cgroup")

ALLOWED: ContextVar[int | None] = ContextVar("ALLOWED", default=None)
"""Cores that the operator allows all models together; None: no limit."""


def usable_cores(cgroup: Path = CGROUP, membership: Path = MEMBERSHIP) -> int:
    """Return the number of cores that this process may use, by its affinity and its quotas.

    A quota may be that of its container, of its systemd unit (`CPUQuota=`), or of a slice around it.

    While a model is loaded, the setting `cores` is an upper limit too. A quota of one and a half cores counts
    as two: threads that wait for one another suffer more from a missing core than from one that is taken away
    at times.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, *_quotas(cgroup, membership), ALLOWED.get() or cores))


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


def _quotas(cgroup: Path, membership: Path) -> Iterator[int]:
    """Yield the quotas in cores of the process's groups and the groups around them, of cgroup v2 and v1."""
    yield from _quota(cgroup, cgroup / "cpu")  # in a container, its own group is the mounted one
    for line in _text(membership).splitlines():
        _, _, named = line.partition(":")
        controllers, _, path = named.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = cgroup / "cpu" if controllers else cgroup
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(1, len(parts) + 1):
            group = top.joinpath(*parts[:depth])
            yield from _quota(group, group)


def _quota(unified: Path, separate: Path) -> Iterator[int]:
    """Yield the quota of one group, if it has one."""
    words = _text(unified / "cpu.max").split()
    if len(words) == 2:
        quota, period = words
    else:
        quota, period = [_text(separate / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
    if quota.isdigit() and period.isdigit() and int(period):  # "max" and -1 stand for no quota
        yield math.ceil(int(quota) / int(period))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
