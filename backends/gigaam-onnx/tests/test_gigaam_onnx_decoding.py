"""From scores to tokens: CTC and RNN-T; numpy gives the tokens of the ONNX files."""

import numpy as np
import pytest

from govor_gigaam_onnx.decoding.greedy import Hypothesis, decode_ctc, decode_transducer
from govor_gigaam_onnx.decoding.transducer import NumpyTransducer, read_transducer
from govor_gigaam_onnx.graph.export import Export, NotUnderstood
from govor_gigaam_onnx.runtime.sessions import CPU, Session, SessionTransducer

WIDTH = 16


def log_probs(classes, count=3):
    """Return log-probabilities (frames, count) in which these classes win, at 0.8."""
    probabilities = np.full((len(classes), count), 0.2 / (count - 1), np.float32)
    probabilities[np.arange(len(classes)), classes] = 0.8
    return np.log(probabilities)


def test_ctc_drops_blanks_and_takes_a_run_once_at_its_first_frame():
    found = decode_ctc(log_probs([2, 0, 0, 2, 0, 1, 1, 2]))
    assert (found.tokens, found.frames) == ([0, 0, 1], [1, 4, 5])
    assert found.logprobs == pytest.approx([np.log(0.8)] * 3)


def test_ctc_can_begin_with_a_token_in_the_first_frame():
    assert decode_ctc(log_probs([1, 2])).frames == [0]


def test_ctc_finds_nothing_where_all_is_blank():
    assert decode_ctc(log_probs([2, 2, 2])) == Hypothesis([], [], [])


def encoded(frames=200):
    """Return random encoder output that gives tokens of many kinds, several at some frames."""
    return np.random.default_rng(5).standard_normal((frames, WIDTH)).astype(np.float32) / 2


@pytest.fixture(params=["rnnt", "e2e_rnnt"])
def pair(request, make_model, tmp_path):
    """The files of a predictor and a joiner."""
    folder = make_model(request.param, tmp_path)
    return folder / f"v3_{request.param}_decoder.onnx", folder / f"v3_{request.param}_joint.onnx"


def in_sessions(pair):
    return SessionTransducer(Session(pair[0], CPU), Session(pair[1], CPU))


def in_numpy(pair):
    return NumpyTransducer(read_transducer(Export.read(pair[0]), Export.read(pair[1])))


@pytest.mark.parametrize("max_symbols", [1, 3, 10])
def test_numpy_writes_what_the_files_write_token_for_token(pair, max_symbols):
    expected = decode_transducer(encoded(), in_sessions(pair), max_symbols)
    found = decode_transducer(encoded(), in_numpy(pair), max_symbols)
    assert len(set(expected.tokens)) > 5
    assert (found.tokens, found.frames) == (expected.tokens, expected.frames)
    assert found.logprobs == pytest.approx(expected.logprobs, abs=1e-4)


def test_no_frame_gives_more_tokens_than_allowed(pair):
    found = decode_transducer(encoded(), in_numpy(pair), max_symbols=2)
    assert max(np.bincount(found.frames)) == 2


def test_log_probabilities_are_over_all_classes(pair):
    transducer = in_numpy(pair)
    found = decode_transducer(encoded(), transducer, max_symbols=10)
    prediction, _ = transducer.predict(transducer.blank, None)
    frames = list(transducer.listen(encoded()))
    scores = transducer.join(frames[found.frames[0]], prediction).astype(np.float64)
    expected = np.log(np.exp(scores)[found.tokens[0]] / np.exp(scores).sum())
    assert found.logprobs[0] == pytest.approx(expected, abs=1e-5)


def test_a_joiner_that_is_built_otherwise_is_not_understood(pair):
    with pytest.raises(NotUnderstood, match="one LSTM"):
        read_transducer(Export.read(pair[1]), Export.read(pair[0]))
