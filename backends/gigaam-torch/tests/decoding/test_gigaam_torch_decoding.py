import math

import pytest

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
decoding = pytest.importorskip(
    "govor_gigaam_torch.decoding.greedy", reason="govor-gigaam-torch is not installed"
)
heads = pytest.importorskip("govor_gigaam_torch.network.heads")

BLANK = 3


def log_probs(*rows):
    """Return log-probabilities (B, T', 4) whose best class at each frame is the given one, at 0.7."""
    best = torch.nn.functional.one_hot(torch.tensor(rows), 4)
    return torch.where(best.bool(), 0.7, 0.1).log()


def tokens(emissions):
    return [(each.token, each.frame) for each in emissions]


def test_ctc_collapses_runs_and_drops_blanks():
    [found] = decoding.decode_ctc(log_probs([0, 0, BLANK, 0, 1, 1, BLANK, BLANK, 2]), torch.tensor([9]))
    assert tokens(found) == [(0, 0), (0, 3), (1, 4), (2, 8)]
    assert [each.logprob for each in found] == pytest.approx([math.log(0.7)] * 4)


def test_ctc_stops_at_each_length():
    found = decoding.decode_ctc(log_probs([0, 1, 2, 0], [1, 1, 1, 1], [BLANK] * 4), torch.tensor([2, 4, 4]))
    assert [tokens(each) for each in found] == [[(0, 0), (1, 1)], [(1, 0)], []]


def test_a_ctc_token_has_the_log_probability_of_its_first_frame():
    rising = torch.tensor([[[0.4, 0.3, 0.2, 0.1], [0.9, 0.04, 0.03, 0.03]]]).log()
    [[found]] = decoding.decode_ctc(rising, torch.tensor([2]))
    assert found.logprob == pytest.approx(math.log(0.4))


@pytest.fixture
def head():
    """Make an RNN-T head with random weights; the blank's bias sets how many tokens it emits."""

    def make(layers=1, blank_bias=1.5, classes=12):
        torch.manual_seed(3)
        made = heads.RNNTHead(24, classes, 16, layers, 20).eval().requires_grad_(False)
        for weight in (made.joint.joint_net[1].weight, made.decoder.embed.weight, made.joint.pred.weight):
            weight.normal_()
        made.decoder.embed.weight[-1] = 0
        made.joint.joint_net[1].bias[-1] = blank_bias
        return made

    return make


def step_by_step(head, encoded, length, max_symbols):
    """The rule in its simplest form: one frame, one token at a time, through the modules as trained."""
    found, state, last = [], None, head.num_classes - 1
    for frame in range(length):
        for _ in range(max_symbols):
            predicted, after = head.decoder(torch.tensor([[last]]), state)
            at = head.joint.enc(encoded[:, frame])
            scores = head.joint(at, head.joint.pred(predicted[0, 0])).log_softmax(dim=-1)
            token = int(scores.argmax())
            if token == head.num_classes - 1:
                break
            found.append((token, frame, scores[token].item()))
            last, state = token, after
    return found


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("max_symbols", [1, 3, 10])
def test_rnnt_equals_the_rule_step_by_step_alone_and_in_a_batch(head, layers, max_symbols):
    made = head(layers)
    encoded, lengths = torch.randn(4, 24, 30), torch.tensor([30, 7, 1, 22])
    found = decoding.GreedyRNNT(made, max_symbols)(encoded, lengths)
    for row, length in enumerate(lengths.tolist()):
        expected = step_by_step(made, encoded[row], length, max_symbols)
        assert tokens(found[row]) == [(token, frame) for token, frame, _ in expected]
        assert [each.logprob for each in found[row]] == pytest.approx(
            [each[2] for each in expected], abs=1e-4
        )
        [alone] = decoding.GreedyRNNT(made, max_symbols)(encoded[row : row + 1], lengths[row : row + 1])
        assert tokens(alone) == tokens(found[row])
    assert any(found)


def test_rnnt_moves_on_after_the_most_symbols_of_a_frame(head):
    never_blank = head(blank_bias=-1e4)
    [found] = decoding.GreedyRNNT(never_blank, max_symbols=4)(torch.randn(1, 24, 3), torch.tensor([3]))
    assert [each.frame for each in found] == [0] * 4 + [1] * 4 + [2] * 4


def test_rnnt_finds_nothing_where_the_blank_always_wins(head):
    silent = head(blank_bias=1e4)
    assert decoding.GreedyRNNT(silent, 10)(torch.randn(2, 24, 3), torch.tensor([3, 1])) == [[], []]


def test_training_logits_are_those_of_decoding(head):
    made = head()
    encoded = torch.randn(1, 24, 9)
    found = step_by_step(made, encoded[0], 9, 10)
    logits = made(encoded, torch.tensor([[token for token, _, _ in found]]))[0].log_softmax(dim=-1)
    for place, (token, frame, logprob) in enumerate(found):
        assert logits[frame, place, token].item() == pytest.approx(logprob, abs=1e-4)
