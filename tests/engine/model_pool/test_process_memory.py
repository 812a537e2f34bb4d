"""The memory of a load, and cases in which it is unknown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from govor.engine.model_pool.process_memory import MemoryProbe

linux = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs /proc")


class Scale:
    """A probe of a number that the test sets."""

    def __init__(self) -> None:
        self.bytes: int | None = 100
        self.probe = MemoryProbe(lambda: self.bytes)


def test_the_growth_of_the_block_is_told() -> None:
    scale = Scale()
    with scale.probe.measure() as growth:
        scale.bytes = 350
    assert growth.bytes == 250


def test_of_two_loads_at_once_neither_is_told() -> None:
    scale = Scale()
    with scale.probe.measure() as first:
        scale.bytes = 200
        with scale.probe.measure() as second:
            scale.bytes = 400
    assert (first.bytes, second.bytes) == (None, None)
    with scale.probe.measure() as third:
        scale.bytes = 500
    assert third.bytes == 100


def test_a_model_that_is_freed_before_or_meanwhile_spoils_it() -> None:
    scale = Scale()
    with scale.probe.measure() as growth, scale.probe.disturb():
        scale.bytes = 350
    assert growth.bytes is None
    with scale.probe.disturb(), scale.probe.measure() as growth:
        scale.bytes = 400
    assert growth.bytes is None


def test_a_system_that_does_not_tell_leaves_it_unknown() -> None:
    scale = Scale()
    scale.bytes = None
    with scale.probe.measure() as growth:
        pass
    assert growth.bytes is None


TOUCH_AND_FREE = """
import ctypes
from govor.engine.model_pool.process_memory import give_back, resident_bytes
sizes = [resident_bytes()]
block = ctypes.create_string_buffer(50_000_000)
ctypes.memset(block, 1, len(block))
sizes.append(resident_bytes())
del block
give_back()
print(*sizes, resident_bytes())
"""


@linux
def test_memory_that_is_touched_and_freed_shows() -> None:
    # In a process of its own: threads and garbage of other tests come and go here.
    told = subprocess.run([sys.executable, "-c", TOUCH_AND_FREE], capture_output=True, text=True, check=True)
    before, taken, after = map(int, told.stdout.split())
    assert taken - before > 40_000_000
    assert taken - after > 40_000_000
