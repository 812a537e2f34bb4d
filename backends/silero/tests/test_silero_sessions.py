"""The rebuilt network compared with the published one, with the weights of each installed source."""

import logging
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

import govor
from govor.testing import read_audio
from govor_silero.catalogue import PACKAGED
from govor_silero.detector import CHUNK, FRAME, SileroDetector
from govor_silero.graph import NotUnderstood, rewrite
from govor_silero.sessions import OUTPUTS, TOLERANCE, open_session

RECORDINGS = Path(__file__).parents[3] / "tests/data"
MEASURED = 5e-6  # the largest difference seen is 2e-6
NOISE = np.random.default_rng(0).uniform(-1, 1, 100 * FRAME).astype(np.float32)

SOUNDS = {
    "Russian": lambda: read_audio(RECORDINGS / "ru.wav"),
    "English": lambda: read_audio(RECORDINGS / "en.wav"),
    "silence": lambda: np.zeros(100 * FRAME, np.float32),
    "noise": lambda: NOISE,
    "faint noise": lambda: 1e-3 * NOISE,
    "clipped": lambda: np.sign(NOISE),
}


@pytest.fixture(scope="module", params=PACKAGED)
def content(request):
    try:
        path = Path(distribution(request.param).locate_file(PACKAGED[request.param].path))
    except PackageNotFoundError:
        pytest.skip(f"{request.param} is not installed")
    return path.read_bytes()


@pytest.fixture(scope="module")
def published(content):
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def rebuilt(content):
    return onnxruntime.InferenceSession(rewrite(content), providers=["CPUExecutionProvider"])


@pytest.fixture
def altered(content):
    """Return the published network with a change by the given function."""

    def alter(change):
        network = onnx.load_from_string(content)
        change(network.graph)
        return network.SerializeToString()

    return alter


def listen(session, audio, frames):
    """Return the probabilities of audio fed so many frames at a time, with the states carried over."""
    stream = SileroDetector(session).stream()
    whole = audio[: len(audio) // FRAME * FRAME]
    size = frames * FRAME
    return np.concatenate([stream.feed(whole[at : at + size]) for at in range(0, len(whole), size)])


def store_recurrence_in_nodes(graph):
    """Move the LSTM's weights to a place where `rewrite` does not look for them."""
    (lstm,) = (node for node in graph.node if node.op_type == "LSTM")
    for tensor in [tensor for tensor in graph.initializer if tensor.name in lstm.input[1:4]]:
        graph.initializer.remove(tensor)
        graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))


def let_negatives_pass(graph):
    next(node for node in graph.node if node.op_type == "Relu").op_type = "Elu"


@pytest.mark.parametrize("frames", [1, 5, CHUNK, 200])
@pytest.mark.parametrize("sound", SOUNDS)
def test_probabilities_are_those_of_the_network_as_published(published, rebuilt, sound, frames):
    audio = SOUNDS[sound]()
    expected = listen(published, audio, CHUNK)
    np.testing.assert_allclose(listen(rebuilt, audio, frames), expected, rtol=0, atol=MEASURED)


def test_states_are_those_of_the_network_as_published(published, rebuilt):
    hidden, cell = np.random.default_rng(1).uniform(-1, 1, (2, 1, 1, 128)).astype(np.float32)
    inputs = {"input": NOISE[: 50 * 576].reshape(50, 576), "h": hidden, "c": cell}
    expected, found = (session.run(OUTPUTS, inputs) for session in (published, rebuilt))
    for theirs, ours in zip(expected[1:], found[1:], strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=MEASURED)


def test_the_rebuilt_network_is_the_one_used(content, published, rebuilt):
    audio = SOUNDS["Russian"]()
    used = listen(open_session(Path("silero.onnx"), content), audio, CHUNK)
    assert np.array_equal(used, listen(rebuilt, audio, CHUNK))
    assert not np.array_equal(used, listen(published, audio, CHUNK))


def test_without_onnx_the_network_is_used_as_it_is(content, published, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "govor_silero")
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "govor_silero.graph")
    used = open_session(Path("silero.onnx"), content)
    assert np.array_equal(listen(used, NOISE, CHUNK), listen(published, NOISE, CHUNK))
    assert "with the package onnx" in caplog.text


def test_a_network_built_otherwise_is_used_as_it_is(altered, published, caplog):
    caplog.set_level(logging.INFO, "govor_silero")
    content = altered(store_recurrence_in_nodes)
    with pytest.raises(NotUnderstood):
        rewrite(content)
    used = open_session(Path("mine.onnx"), content)
    assert np.array_equal(listen(used, NOISE, CHUNK), listen(published, NOISE, CHUNK))
    assert "used as it is" in caplog.text


def test_a_network_that_would_answer_otherwise_is_used_as_it_is(altered, rebuilt, caplog):
    content = altered(let_negatives_pass)
    used = open_session(Path("mine.onnx"), content)
    difference = np.abs(listen(used, NOISE, CHUNK) - listen(rebuilt, NOISE, CHUNK)).max()
    assert difference > TOLERANCE
    assert "mine.onnx is used as it is" in caplog.text


def test_a_file_that_is_no_network_cannot_be_loaded():
    with pytest.raises(govor.LoadFailed, match=r"broken\.onnx cannot be loaded"):
        open_session(Path("broken.onnx"), b"not a network")


def test_a_network_of_another_kind_cannot_be_loaded():
    from onnxruntime import datasets

    network = Path(datasets.get_example("mul_1.onnx")).read_bytes()
    with pytest.raises(govor.LoadFailed, match="not Silero VAD for sequences"):
        open_session(Path("mul_1.onnx"), network)
