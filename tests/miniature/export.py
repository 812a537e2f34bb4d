"""Write the checkpoints in models/ as ONNX beside them, in the layout of the public exports of v3.

Weights are stored in half precision (halves.py), so that the files are small; onnxruntime runs them as they
are. The table of rotary angles is TABLE_FRAMES long, that of the public files 5000.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import onnx

from govor_gigaam_torch.export.graphs import Part, parts_of, trace
from miniature.halves import halve
from miniature.text.tokens import CHARSET, Letters, Tokens
from miniature.training.checkpoints import HEADS, load

MODELS = Path(__file__).with_name("models")
TABLE_FRAMES = 750
"""30 s: the longest audio that GigaAM gets at once."""
BLANK = "<blk>"
CONFIG = {"version": "v3", "features_size": 64, "subsampling_factor": 4, "max_tokens_per_step": 10}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="?", type=Path, default=MODELS, help="folder of the checkpoints'")
    models = parser.parse_args().models
    for head in HEADS:
        name = f"v3_{head}"
        folder = models / name
        network, tokens = load(folder / f"{name}.ckpt")
        for part in parts_of(network, longest=TABLE_FRAMES):
            write(part, folder / f"{'_'.join(filter(None, (name, part.name)))}.onnx")
        vocabulary = "v3_e2e_ctc_vocab.txt" if head == "e2e_ctc" else "v3_vocab.txt"
        (folder / vocabulary).write_text(list_tokens(tokens), encoding="utf-8")
        (folder / "config.json").write_text(json.dumps(CONFIG) + "\n", encoding="utf-8")


def write(part: Part, path: Path) -> None:
    trace(part, path)
    model = onnx.load(path)
    halve(model)
    shorten(model.graph)
    onnx.save(model, path)


def shorten(graph: onnx.GraphProto) -> None:
    """Number the nodes' outputs instead of naming them: a tenth of the file is names."""
    results = {value.name for value in graph.output}
    weights = {name for node in graph.node if node.op_type == "Cast" for name in node.output}
    short: dict[str, str] = {}
    for node in graph.node:
        node.ClearField("doc_string")
        node.ClearField("name")
        for name in node.output:
            short[name] = name if name in results | weights else str(len(short))
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short[name] for name in node.output]


def list_tokens(tokens: Tokens) -> str:
    """Return lines `token id` with ▁ for a space, the blank last."""
    if isinstance(tokens, Letters):
        names = ["▁" if letter == " " else letter for letter in CHARSET]
    else:
        names = [tokens.model.id_to_piece(index) for index in range(tokens.blank)]
    return "".join(f"{name} {index}\n" for index, name in enumerate([*names, BLANK]))


if __name__ == "__main__":
    main()
