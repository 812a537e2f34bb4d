"""The number of cores that the plugin counts."""

import os

import pytest

from govor_gigaam_onnx.runtime import cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Pretend that the process may use CPUs with these siblings, one string each."""

    def pretend(*siblings):
        for cpu, text in enumerate(siblings):
            folder = tmp_path / f"cpu{cpu}" / "topology"
            folder.mkdir(parents=True)
            (folder / "thread_siblings_list").write_text(text)
        monkeypatch.setattr(cores, "CPUS", tmp_path)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(len(siblings))), raising=False)

    return pretend


def test_two_threads_of_a_core_count_once(machine):
    machine("0,2\n", "1,3\n", "0,2\n", "1,3\n")
    assert cores.physical_cores() == 2


def test_cores_without_siblings_count_each(machine):
    machine("0\n", "1\n", "2\n")
    assert cores.physical_cores() == 3


def test_without_a_report_of_linux_every_cpu_is_a_core(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "CPUS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5}, raising=False)
    assert cores.physical_cores() == 2


@pytest.mark.parametrize(
    ("flags", "overflows"),
    [("fma avx2 bmi2", True), ("avx2 avx512_vnni", False), ("avx2 avx_vnni", False), ("asimd neon", False)],
)
def test_int8_overflows_on_x86_without_vnni(monkeypatch, tmp_path, flags, overflows):
    path = tmp_path / "cpuinfo"
    path.write_text(f"flags : {flags}\n")
    monkeypatch.setattr(cores, "CPU_INFO", path)
    assert cores.int8_overflows() is overflows
