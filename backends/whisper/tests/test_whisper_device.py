import pytest

from govor import LoadFailed
from govor_whisper.device import choose_number_type, choose_workers, place, share_cores

BASE, SMALL = 145_217_532, 483_546_902


@pytest.mark.parametrize(
    ("device", "gpus", "placed"),
    [
        ("auto", 0, ("cpu", 0)),
        ("auto", 2, ("cuda", 0)),
        ("cpu", 2, ("cpu", 0)),
        ("cuda", 1, ("cuda", 0)),
        ("cuda:1", 2, ("cuda", 1)),
    ],
)
def test_a_device_name_becomes_kind_and_index(device, gpus, placed):
    assert place(device, gpus) == placed


@pytest.mark.parametrize(
    ("device", "gpus", "said"),
    [
        ("cuda", 0, "no device 'cuda': CTranslate2 sees 0"),
        ("cuda:2", 2, "no device 'cuda:2': CTranslate2 sees 2"),
        ("mps", 0, "CTranslate2 has no Metal backend"),
        ("cuda:first", 1, "does not know the device 'cuda:first'"),
    ],
)
def test_a_device_that_is_not_there_fails_the_load(device, gpus, said):
    with pytest.raises(LoadFailed, match=said):
        place(device, gpus)


@pytest.mark.parametrize(
    ("requested", "kind", "supported", "chosen"),
    [
        ("auto", "cpu", {"int8", "float32"}, "int8"),
        ("auto", "cuda", {"float16", "int8", "float32"}, "float16"),
        ("auto", "cuda", {"int8", "float32"}, "int8"),
        ("float32", "cuda", {"float16", "float32"}, "float32"),
        ("fp32", "cpu", {"int8", "float32"}, "float32"),
    ],
)
def test_auto_takes_the_best_numbers_the_device_has(requested, kind, supported, chosen):
    assert choose_number_type(requested, kind, supported) == chosen


def test_numbers_the_device_does_not_have_fail_the_load():
    with pytest.raises(LoadFailed, match="cannot compute in 'fp16' on 'cpu' here: there is float32, int8"):
        choose_number_type("fp16", "cpu", {"int8", "float32"})


def test_workers_share_the_cores_unless_set_otherwise():
    cores = share_cores(threads=0, workers=1)
    assert share_cores(threads=0, workers=10 * cores) == 1
    assert share_cores(threads=3, workers=2) == 3


@pytest.mark.parametrize(
    ("kind", "weights", "threads", "cores", "workers"),
    [
        ("cpu", BASE, 0, 2, 2),
        ("cpu", BASE, 0, 8, 2),
        ("cpu", BASE, 0, 1, 1),
        ("cpu", BASE, 2, 2, 1),
        ("cpu", SMALL, 0, 8, 1),
        ("cuda", BASE, 0, 8, 1),
    ],
)
def test_two_workers_are_for_small_models_on_cpus_with_room_for_them(kind, weights, threads, cores, workers):
    assert choose_workers(kind, weights, threads, cores) == workers
