"""Properties of the machine's cores."""

from __future__ import annotations

import os
from pathlib import Path

import govor

CPUS = Path("/sys/devices/system/cpu")
CPU_INFO = Path("/proc/cpuinfo")


def physical_cores() -> int:
    """Return how many cores this process may use; threads of one core count once if Linux reports them."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    siblings = {_siblings(cpu) for cpu in os.sched_getaffinity(0)}
    return min(len(siblings), govor.usable_cores())


def int8_overflows() -> bool:
    """Tell whether products of int8 may overflow: on x86 without VNNI, as far as Linux reports it.

    onnxruntime then has slower ones that do not; on VNNI they would take twice the time without need.
    """
    flags = CPU_INFO.read_text(encoding="utf-8") if CPU_INFO.is_file() else ""
    return "avx2" in flags and "vnni" not in flags


def _siblings(cpu: int) -> str:
    """Return a name of the core that a logical CPU is part of."""
    path = CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
    return path.read_text(encoding="ascii") if path.is_file() else str(cpu)
