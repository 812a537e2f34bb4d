"""The choice of a model's device from the setting and the machine's devices."""

from types import SimpleNamespace

import pytest

from govor.contract.machine.devices import choose_device, choose_torch_device
from govor.errors import LoadFailed


def chosen(device, cuda=0, mps=None):
    return choose_device(device, family="Echo", library="libecho 1", cuda=cuda, mps=mps)


@pytest.mark.parametrize(
    ("device", "cuda", "mps", "expected"),
    [
        ("auto", 0, None, "cpu"),
        ("auto", 0, False, "cpu"),
        ("auto", 0, True, "mps"),
        ("auto", 2, True, "cuda"),
        ("cpu", 2, True, "cpu"),
        ("mps", 0, True, "mps"),
        ("cuda", 1, None, "cuda:0"),
        ("cuda:1", 2, None, "cuda:1"),
    ],
)
def test_the_device_that_is_there_is_taken(device, cuda, mps, expected):
    assert chosen(device, cuda, mps) == expected


@pytest.mark.parametrize(
    ("device", "cuda", "mps", "said"),
    [
        ("cuda", 0, None, "no device 'cuda': libecho 1 sees 0 CUDA devices"),
        ("cuda:2", 2, None, "no device 'cuda:2': libecho 1 sees 2 CUDA devices"),
        ("mps", 0, False, "no device 'mps': libecho 1 sees no Apple GPU"),
        ("mps", 0, None, "Echo does not know the device 'mps': say auto, cpu, cuda or cuda:N"),
        ("tpu", 1, True, "Echo does not know the device 'tpu': say auto, cpu, cuda, cuda:N or mps"),
        ("cuda:first", 1, None, "Echo does not know the device 'cuda:first'"),
    ],
)
def test_a_device_that_is_not_there_is_named(device, cuda, mps, said):
    with pytest.raises(LoadFailed, match=said):
        chosen(device, cuda, mps)


def torch_that_sees(cuda, mps):
    """Return a fake of torch with the functions that are called."""
    return SimpleNamespace(
        __version__="2.9",
        cuda=SimpleNamespace(is_available=lambda: cuda > 0, device_count=lambda: cuda),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
        device=lambda name: ("device", name),
    )


def test_torch_is_asked_what_there_is():
    assert choose_torch_device(torch_that_sees(2, False), "cuda:1", family="Echo") == ("device", "cuda:1")
    assert choose_torch_device(torch_that_sees(0, True), "auto", family="Echo") == ("device", "mps")
    with pytest.raises(LoadFailed, match=r"torch 2\.9 sees 0 CUDA devices"):
        choose_torch_device(torch_that_sees(0, True), "cuda", family="Echo")
