"""Keeps the memory of a load from outlasting it."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
SMALL = 64 * 2**10
LARGE = 32 * 2**20  # what glibc by itself goes up to


@contextmanager
def freed_at_once() -> Iterator[None]:
    """Have what is freed meanwhile go back to the system at once, where the C library is glibc.

    It otherwise keeps freed weights, which fill the gaps between those still in use: loading v3 then peaks at
    450 MB, so at 275. Holds for the whole process.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:  # arrays of some megabytes, made and dropped in every call, are again kept for the next one
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, 2 * LARGE)
