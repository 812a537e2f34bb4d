"""The number of cores that a process may use, with and without a container's quota."""

import json
import os
import sys
from pathlib import Path

import pytest

from govor.contract.machine.cores import no_more_than, usable_cores
from support.processes.server_processes import printed_by


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may run on eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("5000 100000", 1),
        ("1600000 100000", 8),
        ("max 100000", 8),
    ],
)
def test_a_quota_bounds_the_cores(quota: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(quota + "\n", encoding="ascii")
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(("quota", "cores"), [("300000", 3), ("-1", 8)])
def test_a_quota_of_older_systems_counts_too(quota: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota, encoding="ascii")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000", encoding="ascii")
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("eight")
def test_quotas_of_a_unit_and_of_the_slices_around_it_count(tmp_path: Path) -> None:
    membership = tmp_path / "membership"
    membership.write_text("0::/system.slice/govor.service\n", encoding="ascii")
    unit = tmp_path / "system.slice/govor.service"
    unit.mkdir(parents=True)
    (unit / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert usable_cores(tmp_path, membership) == 8
    (unit.parent / "cpu.max").write_text("300000 100000\n", encoding="ascii")
    assert usable_cores(tmp_path, membership) == 3
    (unit / "cpu.max").write_text("200000 100000\n", encoding="ascii")
    assert usable_cores(tmp_path, membership) == 2


@pytest.mark.usefixtures("eight")
def test_a_units_quota_of_older_systems_counts_too(tmp_path: Path) -> None:
    membership = tmp_path / "membership"
    membership.write_text("5:memory:/\n4:cpu,cpuacct:/../system.slice/a.service\n", encoding="ascii")
    unit = tmp_path / "cpu/system.slice/a.service"
    unit.mkdir(parents=True)
    (unit / "cpu.cfs_quota_us").write_text("200000\n", encoding="ascii")
    (unit / "cpu.cfs_period_us").write_text("100000\n", encoding="ascii")
    assert usable_cores(tmp_path, membership) == 2


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize("nonsense", ["", "?", "1 0", "a b c", "\xff"])
def test_without_a_quota_that_can_be_read_affinity_decides(nonsense: str, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(nonsense, encoding="latin-1")
    assert usable_cores(tmp_path) == usable_cores(tmp_path / "absent") == 8


@pytest.mark.usefixtures("eight")
def test_no_more_are_counted_than_the_operator_allows(tmp_path: Path) -> None:
    for allowed, cores in ((3, 3), (64, 8)):
        with no_more_than(allowed):
            assert usable_cores(tmp_path) == cores
    assert usable_cores(tmp_path) == 8


@pytest.mark.parametrize(("said", "threads"), [({}, {1}), ({"OPENBLAS_NUM_THREADS": "2"}, {1, 2})])
def test_numpy_keeps_to_one_core_unless_set_otherwise(said: dict[str, str], threads: set[int]) -> None:
    code = "import govor, json, numpy, threadpoolctl; print(json.dumps(threadpoolctl.threadpool_info()))"
    info = json.loads(printed_by(code, "OPENBLAS_NUM_THREADS", **said))
    pools = [pool for pool in info if pool["internal_api"] == "openblas"]
    assert {pool["num_threads"] for pool in pools} <= threads
    assert len(pools) == 1 or sys.platform == "darwin"
