"""Measures the memory of this process and of one load, and gives free memory back to the system."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATM = Path("/proc/self/statm")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's numbers
SMALL = 64 * 2**10
LARGE = 32 * 2**20  # glibc's own upper limit


def resident_bytes() -> int | None:
    """Return the bytes of this process in RAM; None if the system does not report them."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, LookupError):
        return None


def give_back() -> None:
    """Return freed memory to the system, if the C library is glibc. Takes milliseconds."""
    if trim := _malloc_trim():
        trim(0)


@contextmanager
def mapped_apart() -> Iterator[None]:
    """Let glibc map each larger allocation of the block by itself, so that it can be returned by itself.

    Otherwise weights lie between allocations that stay, and glibc keeps their memory: whisper-base, loaded,
    used and unloaded four times, left 140 MB behind; mapped apart 105, and 37 if threads share two heaps. The
    setting affects the whole process.
    """
    if not _is_glibc():
        yield
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:  # arrays of some megabytes, which every call makes and drops, are kept for the next call
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, 2 * LARGE)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    return ctypes.CDLL(None).malloc_trim if _is_glibc() else None


@cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"


@dataclass(slots=True)
class MemoryGrowth:
    """The memory that one change took."""

    bytes: int | None = None
    """None: unknown, because another change overlapped or the system does not report it."""


class MemoryProbe:
    """Measures a load if no other overlaps with it, for the two share one figure. One thread at a time."""

    def __init__(self, read: Callable[[], int | None] = resident_bytes):
        self.read = read
        """Returns the bytes that the process holds; None: the system does not report them."""
        self._changes = 0
        self._under_way = 0

    @contextmanager
    def measure(self) -> Iterator[MemoryGrowth]:
        """Yield a record that holds, after the block, the memory that the block took in all threads."""
        growth = MemoryGrowth()
        with self.disturb():
            mine, alone, before = self._changes, self._under_way == 1, self.read()
            yield growth
            after = self.read()
        if alone and mine == self._changes and before is not None and after is not None:
            growth.bytes = max(after - before, 0)

    @property
    def state(self) -> int | None:
        """A number that is constant while no model is loaded or freed; None: one is at this moment."""
        return None if self._under_way else self._changes

    @contextmanager
    def disturb(self) -> Iterator[None]:
        """Discard measurements that overlap with the block, for example one that frees a model."""
        self._changes += 1
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
