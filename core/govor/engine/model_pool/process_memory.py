"""How much memory this process holds, what one load took of it, and giving it back."""

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
LARGE = 32 * 2**20  # what glibc by itself goes up to


def resident_bytes() -> int | None:
    """Return the memory this process has in RAM; None where the system does not tell."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, LookupError):
        return None


def give_back() -> None:
    """Have the C library, if it is glibc, return to the system what was freed. Takes milliseconds."""
    if trim := _malloc_trim():
        trim(0)


@contextmanager
def mapped_apart() -> Iterator[None]:
    """Have glibc take what is allocated meanwhile from the system piece by piece, so that it can go back so.

    Weights otherwise lie between what stays, and their room is kept: whisper-base, loaded, used and unloaded
    four times, left 140 MB behind, so 105, and 37 where threads share two heaps. Holds for the whole process.
    """
    if not _is_glibc():
        yield
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:  # arrays of some megabytes, made and dropped in every call, are kept for the next one
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
    """What one change did to the memory."""

    bytes: int | None = None
    """None: unknown, for another change came between or the system does not tell."""


class MemoryProbe:
    """Measures loads that are alone; two at once cannot be told apart. Use it in one thread at a time."""

    def __init__(self, read: Callable[[], int | None] = resident_bytes):
        self.read = read
        """Return the bytes that the process holds; None: the system does not tell."""
        self._changes = 0
        self._under_way = 0

    @contextmanager
    def measure(self) -> Iterator[MemoryGrowth]:
        """Tell how much memory the block took, in all threads."""
        growth = MemoryGrowth()
        with self.disturb():
            mine, alone, before = self._changes, self._under_way == 1, self.read()
            yield growth
            after = self.read()
        if alone and mine == self._changes and before is not None and after is not None:
            growth.bytes = max(after - before, 0)

    @property
    def state(self) -> int | None:
        """A number that stays while nothing is loaded or freed; None: something is at this moment."""
        return None if self._under_way else self._changes

    @contextmanager
    def disturb(self) -> Iterator[None]:
        """Have no measurement count that overlaps with the block, as one in which a model is freed."""
        self._changes += 1
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
