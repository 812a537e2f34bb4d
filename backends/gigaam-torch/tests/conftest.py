"""Small GigaAM models with random weights, and checkpoint files of them in upstream's layouts."""

from __future__ import annotations

import io
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

LETTERS = " абвгдежзийклмнопрстуфхцчшщъыьэюя"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On models this small, several threads only wait for each other."""
    if "torch" not in sys.modules:
        yield
        return
    torch = sys.modules["torch"]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def encoders():
    """Configs of each generation, shrunk."""
    from govor_gigaam_torch.network.model import V2, V3

    small = {"d_model": 64, "n_layers": 2}
    return {
        "v1": replace(V2, self_attention_model="rel_pos", **small),
        "v2": replace(V2, **small),
        "v3": replace(V3, **small),
    }


@pytest.fixture(scope="session")
def make_network(encoders):
    """Make a small model in evaluation mode; norms and biases are random too, and the head emits tokens."""
    import torch

    from govor_gigaam_torch.network.model import GigaAM, HeadConfig

    def make(generation="v3", kind="ctc", classes=34, seed=0, **sizes):
        torch.manual_seed(seed)
        network = (
            GigaAM(encoders[generation], HeadConfig(kind, classes, **sizes)).eval().requires_grad_(False)
        )
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif value.dim() == 1 and value.is_floating_point() and "norm" in name:
                value.add_(0.3 * torch.randn_like(value))
            elif name.endswith(("pos_bias_u", "pos_bias_v", "decoder_layers.0.weight", "joint_net.1.weight")):
                value.normal_()
        if kind == "rnnt":
            _balance(network)
        return network

    return make


def _balance(network):
    """Set the blank's bias so that it wins every other time; with random weights it never would."""
    import torch

    from govor_gigaam_torch.network import features

    config = features.V2 if network.encoder.config.subsampling == "conv2d" else features.V3
    log_mel = features.LogMel(
        config, features.make_window(config), features.make_filters(config), torch.device("cpu")
    )
    encoded, _ = network(*log_mel([0.1 * torch.randn(32_000)]))
    logits = network.head(encoded, torch.randint(network.head.num_classes - 1, (1, 20)))
    network.head.joint.joint_net[1].bias[-1] += (logits[..., :-1].amax(dim=-1) - logits[..., -1]).median()


@pytest.fixture(scope="session")
def make_tables(encoders):
    """Make the config of a small model, as plain data of upstream's form."""
    from govor_gigaam_torch.network import features

    def make(network, generation="v3", letters=LETTERS):
        config = encoders[generation]
        classes = network.head.num_classes
        ctc = hasattr(network.head, "decoder_layers")
        joint = {
            "enc_hidden": config.d_model,
            "pred_hidden": 320,
            "joint_hidden": 320,
            "num_classes": classes,
        }
        decoder = {"pred_hidden": 320, "pred_rnn_layers": 1, "num_classes": classes}
        return {
            "model_name": f"{generation}_{'ctc' if ctc else 'rnnt'}",
            "sample_rate": 16000,
            "preprocessor": {"_target_": "gigaam.preprocess.FeatureExtractor", "sample_rate": 16000}
            | ({"features": 64} if generation != "v3" else asdict(features.V3)),
            "encoder": {"_target_": "gigaam.encoder.ConformerEncoder"} | _fields(config, generation),
            "head": {"_target_": "gigaam.decoder.CTCHead", "feat_in": config.d_model, "num_classes": classes}
            if ctc
            else {"_target_": "gigaam.decoder.RNNTHead", "decoder": decoder, "joint": joint},
            "decoding": {
                "_target_": f"gigaam.decoding.{'CTC' if ctc else 'RNNT'}GreedyDecoding",
                "vocabulary": None if letters is None else list(letters),
            },
        }

    return make


def _fields(config, generation):
    """Return the config as upstream of that time writes it: v1 and v2 lack some fields."""
    newer = ("subsampling", "subs_kernel_size", "conv_norm_type")
    return {name: value for name, value in asdict(config).items() if generation == "v3" or name not in newer}


@pytest.fixture(scope="session")
def save():
    """Write a published checkpoint of a network and its config, with the buffers of its features."""
    import torch

    from govor_gigaam_torch.checkpoint.reading import FILTERS, WINDOW
    from govor_gigaam_torch.network.features import FeatureConfig, make_filters, make_window

    def write(path, network, tables, dtype=None):
        sizes = {
            name: tables["preprocessor"][name]
            for name in ("n_fft", "win_length", "center")
            if name in tables["preprocessor"]
        }
        config = FeatureConfig(**sizes)
        weights = {
            name: value.to(dtype) if dtype and value.is_floating_point() else value
            for name, value in network.state_dict().items()
        }
        weights |= {WINDOW: make_window(config).float(), FILTERS: make_filters(config).float()}
        torch.save({"cfg": tables, "state_dict": weights}, path)
        return path

    return write


@pytest.fixture
def published(tmp_path, make_network, make_tables, save):
    """Write a published checkpoint into the test's folder; give its path, the network and the config."""

    def write(
        generation="v3",
        kind="ctc",
        name="model.ckpt",
        wrap=lambda tables: tables,
        dtype=None,
        **tables,
    ):
        network = make_network(generation, kind)
        config = make_tables(network, generation) | tables
        return save(tmp_path / name, network, wrap(config), dtype), network, config

    return write


@pytest.fixture(scope="session")
def noise():
    """Return so many samples of noise, (samples,) float32, read-only as from the core."""

    def make(samples, seed=0, loudness=0.1):
        audio = (loudness * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)
        audio.flags.writeable = False
        return audio

    return make


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory):
    """A SentencePiece file, and its tokens."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="e2e models need sentencepiece")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["Мама мыла раму, а папа читал газету. Как дела?", "Привет, мир!"] * 30),
        model_writer=written,
        vocab_size=80,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.model"
    path.write_bytes(written.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return path, [pieces.id_to_piece(index) for index in range(len(pieces))]


@pytest.fixture
def e2e(tmp_path, make_network, make_tables, save, tokenizer):
    """Write a checkpoint whose tokens are pieces; return its path."""

    def write(kind):
        network = make_network("v3", kind, classes=len(tokenizer[1]) + 1)
        return save(tmp_path / "model.ckpt", network, make_tables(network, "v3", letters=None))

    return write
