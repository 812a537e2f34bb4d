import pytest

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
model = pytest.importorskip("govor_gigaam_torch.network.model", reason="govor-gigaam-torch is not installed")

LENGTHS = (101, 37, 250, 4, 1)
NORMS = (
    "norm_feed_forward1",
    "norm_self_att",
    "norm_conv",
    "norm_feed_forward2",
    "norm_out",
    "conv.batch_norm",
)
PROJECTIONS = (
    "feed_forward1.linear1", "feed_forward1.linear2", "feed_forward2.linear1", "feed_forward2.linear2",
    "self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v", "self_attn.linear_out",
    "conv.pointwise_conv1", "conv.depthwise_conv", "conv.pointwise_conv2",
)  # fmt: skip


def published(generation, encoder, head):
    """Return names and shapes of a published checkpoint's state dict of full size, without its features."""
    with torch.device("meta"):
        network = model.GigaAM(encoder, head)
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
@torch.inference_mode()
def test_an_utterance_encodes_alike_alone_and_padded_in_a_batch(make_network, generation):
    network = make_network(generation)
    features = torch.randn(len(LENGTHS), 64, max(LENGTHS)) * 4 - 8
    encoded, lengths = network(features, torch.tensor(LENGTHS))
    for row, length in enumerate(LENGTHS):
        alone, [frames] = network(features[row : row + 1, :, :length], torch.tensor([length]))
        assert lengths[row] == frames == -(-length // 4)
        assert torch.allclose(encoded[row, :, :frames], alone[0], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_padding_changes_nothing(make_network):
    network = make_network("v3", "rnnt")
    features = torch.randn(2, 64, 80)
    lengths = torch.tensor([80, 33])
    before, [_, frames] = network(features, lengths)
    features[1, :, 33:] = 1e4
    after, _ = network(features, lengths)
    assert torch.equal(before[1, :, :frames], after[1, :, :frames])


def test_parameters_are_named_and_shaped_as_in_the_published_v3_e2e_rnnt():
    names = published("v3", model.V3, model.HeadConfig("rnnt", 1025))
    layers = {
        f"encoder.layers.{layer}.{part}.{kind}"
        for layer in range(16)
        for part in (*NORMS, *PROJECTIONS)
        for kind in ("weight", "bias")
    }
    assert {name for name in names if name.startswith("encoder.layers")} == layers
    assert len(names) == 559  # and the window and the filters
    expected = {
        "encoder.pre_encode.conv.0.weight": (768, 64, 5),
        "encoder.pre_encode.conv.2.weight": (768, 768, 5),
        "encoder.layers.15.feed_forward1.linear1.weight": (3072, 768),
        "encoder.layers.15.conv.pointwise_conv1.weight": (1536, 768, 1),
        "encoder.layers.15.conv.depthwise_conv.weight": (768, 1, 5),
        "encoder.layers.15.conv.batch_norm.weight": (768,),
        "head.decoder.embed.weight": (1025, 320),
        "head.decoder.lstm.weight_ih_l0": (1280, 320),
        "head.decoder.lstm.bias_hh_l0": (1280,),
        "head.joint.pred.weight": (320, 320),
        "head.joint.enc.weight": (320, 768),
        "head.joint.joint_net.1.weight": (1025, 320),
    }
    assert {name: names[name] for name in expected} == expected


def test_parameters_are_named_and_shaped_as_in_the_published_multilingual_ctc():
    names = published("v3", model.V3, model.HeadConfig("ctc", 71))
    assert len(names) == 550
    assert names["head.decoder_layers.0.weight"] == (71, 768, 1)


def test_v2_has_a_linear_layer_behind_its_subsampling_and_running_statistics():
    names = published("v2", model.V2, model.HeadConfig("ctc", 34))
    assert names["encoder.pre_encode.conv.0.weight"] == (768, 1, 3, 3)
    assert names["encoder.pre_encode.out.weight"] == (768, 768 * 16)
    assert names["encoder.layers.0.conv.batch_norm.running_mean"] == (768,)


def test_the_large_model_has_600_million_parameters():
    with torch.device("meta"):
        network = model.GigaAM(model.MULTILINGUAL_LARGE, model.HeadConfig("ctc", 71))
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(585e6, rel=0.01)


def test_a_model_can_be_trained(make_network):
    network = make_network("v3", "rnnt").train().requires_grad_(True)
    encoded, _ = network(torch.randn(2, 64, 40), torch.tensor([40, 33]))
    logits = network.head(encoded, torch.randint(33, (2, 5)))
    assert logits.shape == (2, 10, 6, 34)
    logits.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
