"""The miniature's sizes, and its checkpoints in the layout that upstream publishes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch

from govor_gigaam_torch.network.features import V3 as FRONT_END
from govor_gigaam_torch.network.features import make_filters, make_window
from govor_gigaam_torch.network.model import V3, EncoderConfig, GigaAM, HeadConfig
from miniature.text.tokens import CHARSET, Letters, Pieces, Tokens

HEADS = ("ctc", "rnnt", "e2e_ctc")
ENCODER = replace(V3, n_layers=4, d_model=96, n_heads=4, ff_expansion_factor=2)
PREDICTOR = 96
SAMPLE_RATE = 16_000


def build(head: str, tokens: Tokens) -> GigaAM:
    classes = tokens.blank + 1
    if head == "rnnt":
        return GigaAM(ENCODER, HeadConfig("rnnt", classes, pred_hidden=PREDICTOR, joint_hidden=PREDICTOR))
    return GigaAM(ENCODER, HeadConfig("ctc", classes))


def tokens_of(head: str, path: Path) -> Tokens:
    """Return the tokens of a checkpoint at `path`, beside which an e2e one has its vocabulary."""
    return Pieces(tokenizer_path(path)) if head == "e2e_ctc" else Letters()


def tokenizer_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}_tokenizer.model")


def save(model: GigaAM, head: str, path: Path) -> None:
    """Write a checkpoint in half precision, as upstream's of v3 are."""
    tables = {
        "preprocessor.featurizer.0.spectrogram.window": make_window(FRONT_END),
        "preprocessor.featurizer.0.mel_scale.fb": make_filters(FRONT_END),
    }
    weights = tables | dict(model.state_dict())
    torch.save(
        {
            "cfg": configuration(model, head),
            "state_dict": {name: value.detach().half() for name, value in weights.items()},
        },
        path,
    )


def load(path: Path) -> tuple[GigaAM, Tokens]:
    saved = torch.load(path, weights_only=True)
    head = saved["cfg"]["model_name"].removeprefix("v3_")
    tokens = tokens_of(head, path)
    model = build(head, tokens)
    own = {name: value.float() for name, value in saved["state_dict"].items() if "preprocessor" not in name}
    model.load_state_dict(own)
    return model.eval(), tokens


def configuration(model: GigaAM, head: str) -> dict:
    encoder: EncoderConfig = model.encoder.config
    classes = model.head.num_classes
    predictor = {"pred_hidden": PREDICTOR, "pred_rnn_layers": 1, "num_classes": classes}
    joiner = {"enc_hidden": encoder.d_model, "pred_hidden": PREDICTOR, "joint_hidden": PREDICTOR}
    heads = {
        "ctc": {"_target_": "gigaam.decoder.CTCHead", "feat_in": encoder.d_model, "num_classes": classes},
        "rnnt": {
            "_target_": "gigaam.decoder.RNNTHead",
            "decoder": predictor,
            "joint": joiner | {"num_classes": classes},
        },
    }
    kind = "rnnt" if head == "rnnt" else "ctc"
    return {
        "model_name": f"v3_{head}",
        "preprocessor": {"sample_rate": SAMPLE_RATE, "center": False, "mel_scale": "htk", "mel_norm": None}
        | {"features": FRONT_END.features, "n_fft": FRONT_END.n_fft}
        | {"win_length": FRONT_END.win_length, "hop_length": FRONT_END.hop_length},
        "encoder": asdict(encoder),
        "head": heads[kind],
        "decoding": {
            "_target_": f"gigaam.decoding.{kind.upper()}GreedyDecoding",
            "vocabulary": None if head == "e2e_ctc" else list(CHARSET),
            "model_path": None,
        },
    }
