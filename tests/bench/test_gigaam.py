"""GigaAM v3 at full size compared with onnx-asr 0.12: same weights and audio, voice detection, per core.

`make bench` prints the figures; docs/explanation/performance.md holds those of one machine. The weights are
random, made by tests/fullsize/make_model.py into $FULLSIZE (default: govor-fullsize among temporary files).
Time is the process's CPU time, the variants run in turn: a machine's drift and its other users cancel out.
Needs onnx-asr, silero-vad (its file only: pip install --no-deps) and, to make the weights, torch.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import govor
from fullsize.talk import make_talk
from govor_gigaam_onnx.decoding.greedy import decode_transducer
from govor_gigaam_onnx.decoding.transducer import NumpyTransducer, read_transducer
from govor_gigaam_onnx.files.layout import find_files
from govor_gigaam_onnx.graph.export import Export
from govor_gigaam_onnx.runtime.encoder import Encoder
from govor_gigaam_onnx.runtime.sessions import CPU, Session, SessionTransducer
from support.bench.models import FOLDERS, full_size, load_gigaam, load_onnx_asr, stretches
from support.models.silero import load_silero

onnx_asr = pytest.importorskip("onnx_asr")
onnxruntime = pytest.importorskip("onnxruntime")

ROUNDS = 3
SECONDS = 60.0

FRAMES = 250  # 10 s
GEMM_SHAPES = ((768, 3072, 32), (3072, 768, 32), (768, 768, 112))
"""(inputs, outputs, number) of the products in the encoder's layers."""
OPERATIONS_PER_SECOND = 11.33e9
"""Of the encoder in segments of 10 s: 10.85 in products, 0.17 in strided convolutions, 0.30 in attention."""

Audio = NDArray[np.float32]
Pipeline = Callable[[Audio], Any]


@pytest.fixture(scope="module")
def models() -> Path:
    """The full-size models."""
    return full_size()


@pytest.fixture(scope="module")
def audio() -> Audio:
    return make_talk(SECONDS)


def ours(folder: Path) -> Pipeline:
    """Govor's pipeline, from samples to segments."""
    recognizer, detector = load_gigaam(folder), load_silero()

    def run(audio: Audio) -> list[govor.Segment]:
        return [
            segment
            for part in stretches(audio, detector)
            for segment in recognizer.transcribe([part], govor.Options())[0]
        ]

    return run


def theirs(folder: Path, quantization: str | None, **options: Any) -> Pipeline:
    """onnx-asr with Silero, one thread."""
    recognizer = load_onnx_asr(folder, quantization, **options)
    return lambda audio: list(recognizer.recognize(audio, sample_rate=govor.SAMPLE_RATE))


def cpu_seconds(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def in_turn(calls: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return each call's CPU seconds, those of its least disturbed round."""
    for call in calls.values():
        call()
    taken = [{name: cpu_seconds(call) for name, call in calls.items()} for _ in range(rounds)]
    return {name: min(each[name] for each in taken) for name in calls}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_core_does_several_times_the_work_of_onnx_asr(models: Path, audio: Audio, name: str) -> None:
    folder = models / name
    pipelines = {
        "govor": ours(folder),
        "onnx-asr int8 batch 1": theirs(folder, "int8", batch_size=1),
        "onnx-asr int8": theirs(folder, "int8"),
        "onnx-asr fp32 batch 1": theirs(folder, None, batch_size=1),
        "onnx-asr fp32": theirs(folder, None),
    }
    taken = in_turn({name: lambda run=run: run(audio) for name, run in pipelines.items()})
    rtfx = {name: round(SECONDS / seconds, 1) for name, seconds in taken.items()}
    ratios = {name: round(seconds / taken["govor"], 2) for name, seconds in taken.items() if name != "govor"}
    print(json.dumps({"model": name, "rtfx_per_core": rtfx, "times_faster_than": ratios, "rounds": ROUNDS}))
    assert ratios["onnx-asr int8 batch 1"] >= 2.2
    assert ratios["onnx-asr int8"] >= 4
    assert ratios["onnx-asr fp32"] >= 6


def test_the_encoder_runs_near_the_peak_of_int8_products(models: Path) -> None:
    recognizer = load_gigaam(models / "v3_ctc")
    hum = np.random.default_rng(0).standard_normal(10 * govor.SAMPLE_RATE).astype(np.float32) / 10
    products = [gemm(*shape) for shape in GEMM_SHAPES]
    calls = {"encoder": lambda: recognizer.transcribe([hum], govor.Options())}
    calls |= {f"{index}": product for index, product in enumerate(products)}
    taken = in_turn(calls, rounds=15)
    work = [2 * FRAMES * inputs * outputs * number for inputs, outputs, number in GEMM_SHAPES]
    peak = sum(work) / sum(taken[f"{index}"] for index in range(len(products)))
    reached = 10 * OPERATIONS_PER_SECOND / taken["encoder"]
    print(json.dumps({"int8_peak_gops": round(peak / 1e9), "encoder_gops": round(reached / 1e9)}))
    assert reached >= 0.75 * peak


def test_numpy_writes_what_the_files_of_the_transducer_write(models: Path, audio: Audio) -> None:
    files = find_files(models / "v3_e2e_rnnt")
    assert files.decoder is not None
    assert files.joint is not None
    encoder = Encoder(Session(files.encoder, CPU), files)
    encoded = [encoder(part) for part in stretches(audio, load_silero())]
    in_sessions = SessionTransducer(Session(files.decoder, CPU), Session(files.joint, CPU))
    in_numpy = NumpyTransducer(read_transducer(Export.read(files.decoder), Export.read(files.joint)))
    expected = [decode_transducer(each, in_sessions, max_symbols=10) for each in encoded]
    found = [decode_transducer(each, in_numpy, max_symbols=10) for each in encoded]
    tokens = sum(len(each.tokens) for each in expected)
    print(json.dumps({"tokens_per_second": round(tokens / SECONDS, 1)}))
    assert [each.tokens for each in found] == [each.tokens for each in expected]
    assert [each.frames for each in found] == [each.frames for each in expected]
    assert 2 < tokens / SECONDS < 10  # as in speech


def gemm(inputs: int, outputs: int, number: int) -> Callable[[], Any]:
    """Return a call of so many bare integer products of 10 s with weights of their own."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    names = [f"w{index}" for index in range(number)]
    weights = [
        numpy_helper.from_array(random.integers(-127, 127, (inputs, outputs), np.int8), name)
        for name in names
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", name], [f"{name}y"]) for name in names],
        "gemm",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [FRAMES, inputs])],
        [helper.make_tensor_value_info(f"{name}y", TensorProto.INT32, None) for name in names],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=CPU)
    x = random.integers(0, 255, (FRAMES, inputs), np.uint8)
    return lambda: session.run(None, {"x": x})


def test_two_workers_do_nearly_twice_the_work_of_one(models: Path, audio: Audio) -> None:
    recognizer = load_gigaam(models / "v3_ctc")
    parts = stretches(audio, load_silero())

    def seconds(workers: int) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(workers) as threads:
            list(threads.map(lambda part: recognizer.transcribe([part], govor.Options()), parts))
        return time.perf_counter() - began

    seconds(2)
    ratios = [seconds(1) / seconds(2) for _ in range(ROUNDS)]
    print(json.dumps({"two_workers_to_one": [round(ratio, 2) for ratio in sorted(ratios)]}))
    assert statistics.median(ratios) >= 1.8


PEAK = """
import sys
sys.path[:0] = {paths!r}
import test_gigaam as bench
import numpy as np
run = bench.{call}
run(np.load({audio!r}))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("name", FOLDERS)
def test_peak_memory_is_no_higher_than_that_of_onnx_asr(
    models: Path, audio: Audio, name: str, tmp_path: Path
) -> None:
    folder, recording = models / name, tmp_path / "audio.npy"
    load_gigaam(folder)  # the first load rewrites the encoder
    np.save(recording, audio)
    calls = {
        "govor": f"ours(bench.Path({str(folder)!r}))",
        "onnx-asr int8 batch 1": f"theirs(bench.Path({str(folder)!r}), 'int8', batch_size=1)",
        "onnx-asr int8": f"theirs(bench.Path({str(folder)!r}), 'int8')",
    }
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    peaks = {}
    for pipeline, call in calls.items():
        code = PEAK.format(paths=paths, call=call, audio=str(recording))
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks[pipeline] = int(ran.stdout) // 1024
    print(json.dumps({"model": name, "peak_memory_mib": peaks}))
    assert peaks["govor"] <= peaks["onnx-asr int8 batch 1"]
