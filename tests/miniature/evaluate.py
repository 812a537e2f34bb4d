"""Print the error rates and word time errors of checkpoints on heldout.json, and write them to results.json.

Speaks the list again with espeak-ng and festival; with --files takes only the committed recordings.
"""

from __future__ import annotations

import argparse
import difflib
import json
import platform
from pathlib import Path

import numpy as np
import torch

from miniature.checkpoints import load
from miniature.grammar import plain
from miniature.greedy import recognise
from miniature.heldout import HeldOut, read, recorded
from miniature.speak_heldout import SEED, speak_again

COMMAND = "python -m miniature.evaluate miniature/models/*/*.ckpt --results miniature/results.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--files", action="store_true", help="only the committed recordings")
    parser.add_argument("--results", type=Path, help="JSON file to write")
    parser.add_argument("--show", action="store_true", help="print every wrong text")
    args = parser.parse_args()
    torch.set_num_threads(1)
    spoken = utterances(args.files)
    results = {}
    for path in args.checkpoints:
        model, tokens = load(path)
        heard = [(utterance, *recognise(model, tokens, samples)) for utterance, samples in spoken]
        results[path.stem] = measure(heard, punctuated=path.stem.endswith("e2e_ctc"))
        print(path.stem, json.dumps(results[path.stem], indent=1))
        for utterance, text, _ in heard:
            if args.show and plain(text) != utterance.plain:
                print(f"  {utterance.kind}: {utterance.plain} / {text}")
    if args.results:
        versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        seeds = {"heldout": SEED, "training": "in README.md"}
        table = {"command": COMMAND, "seeds": seeds, "versions": versions, "models": results}
        args.results.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def utterances(files: bool) -> list[tuple[HeldOut, np.ndarray]]:
    if files:
        return [(utterance, utterance.samples()) for utterance in recorded()]
    from miniature.espeak import Espeak

    espeak = Espeak()
    return [(utterance, speak_again(utterance, espeak).samples) for utterance in read()]


def measure(heard: list[tuple[HeldOut, str, list]], punctuated: bool) -> dict:
    """Return error rates by kind of voice in percent, and word time errors in milliseconds."""
    figures: dict = {"utterances": len(heard)}
    for kind in ("all", *dict.fromkeys(utterance.kind for utterance, _, _ in heard)):
        chosen = [(utterance, text) for utterance, text, _ in heard if kind in ("all", utterance.kind)]
        words = [(utterance.plain.split(), plain(text).split()) for utterance, text in chosen]
        letters = [(list(utterance.plain), list(plain(text))) for utterance, text in chosen]
        figures[kind] = {"wer": rate(words), "cer": rate(letters)}
        if punctuated:
            figures[kind]["wer_punctuated"] = rate(
                [(utterance.text.split(), text.split()) for utterance, text in chosen]
            )
    for name, side in (("start", 0), ("end", 1)):
        both = [pair for utterance, text, times in heard for pair in pairs(utterance, text, times)]
        off = [abs(true[side] - found[side]) * 1000 for true, found in both]
        figures[f"word_{name}_ms"] = {
            "median": round(float(np.median(off))),
            "p95": round(float(np.percentile(off, 95))),
        }
    return figures


def pairs(utterance: HeldOut, text: str, times: list) -> list:
    """Return the (true, heard) times of words that were heard right."""
    true, heard = utterance.plain.split(), [plain(word) for word in text.split()]
    if len(heard) != len(times) or len(true) != len(utterance.words):
        return []
    blocks = difflib.SequenceMatcher(None, true, heard, autojunk=False).get_matching_blocks()
    return [
        (utterance.words[block.a + step], times[block.b + step])
        for block in blocks
        for step in range(block.size)
    ]


def rate(pairs: list[tuple[list, list]]) -> float:
    """Return edits over the reference's length, in percent."""
    return round(100 * sum(edits(*pair) for pair in pairs) / sum(len(true) for true, _ in pairs), 2)


def edits(true: list, heard: list) -> int:
    costs = list(range(len(heard) + 1))
    for row, expected in enumerate(true, 1):
        before, costs[0] = costs[0], row
        for column, found in enumerate(heard, 1):
            before, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, before + (expected != found)),
            )
    return costs[-1]


if __name__ == "__main__":
    main()
