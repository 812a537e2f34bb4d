"""Threads share two heaps of the C library, and the garbage collector passes over what stays for good."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

of_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")

COUNT = """
import ctypes, sys, threading
from govor.cli.serve.process_tuning import bound_arenas
{prepare}
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(8)
def work():
    together.wait()
    kept = [bytes(5000) for _ in range(100)]
    together.wait()
    return kept
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(open(sys.argv[1]).read().count("<heap nr="))
"""


def heaps(prepare: str, path: Path, **env: str) -> int:
    """How many heaps a process has after eight threads have used memory at once."""
    command = [sys.executable, "-c", COUNT.format(prepare=prepare), str(path)]
    return int(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)


@of_glibc
def test_eight_threads_have_two_heaps(tmp_path: Path) -> None:
    assert heaps("", tmp_path / "free") > 2
    assert heaps("bound_arenas()", tmp_path / "bound") <= 2


@of_glibc
def test_the_environment_decides_where_it_says_so(tmp_path: Path) -> None:
    assert heaps("bound_arenas()", tmp_path / "five", MALLOC_ARENA_MAX="5") in range(3, 6)


LOOK = """
import gc
import govor.app
from govor.cli.serve.process_tuning import prepare
prepare()
print(len(gc.get_objects()))
"""


def test_the_collector_looks_only_through_what_has_come_since() -> None:
    ran = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 1000
