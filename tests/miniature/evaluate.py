"""Print Govor's results for heldout.json with the models' checkpoints, and write them to results.json.

Each model is measured as the torch plugin runs its checkpoint and, if there is an export beside it, as the
ONNX plugin runs that in float32 and in int8. Speaks the list again with espeak-ng and festival; with --files
uses only the committed recordings.
"""

from __future__ import annotations

import argparse
import difflib
import json
import platform
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

import govor
import govor_gigaam_onnx
import govor_gigaam_torch
from miniature.halves import widen_folder
from miniature.heldout import HeldOut, read, recorded
from miniature.scoring import rate
from miniature.speech.speak_heldout import SEED, speak_again
from miniature.text.grammar import plain
from miniature.training.checkpoints import tokenizer_path

COMMAND = "python -m miniature.evaluate miniature/models/*/*.ckpt --results miniature/results.json"
WITH_WORDS = govor.Options(words=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--files", action="store_true", help="only the committed recordings")
    parser.add_argument("--results", type=Path, help="JSON file to write")
    parser.add_argument("--show", action="store_true", help="print every wrong text")
    args = parser.parse_args()
    spoken = utterances(args.files)
    results = {path.stem: evaluate(path, spoken, show=args.show) for path in args.checkpoints}
    if args.results:
        packages = ("torch", "numpy", "onnxruntime")
        versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
        seeds = {"heldout": SEED, "training": "in README.md"}
        table = {"command": COMMAND, "seeds": seeds, "versions": versions, "models": results}
        args.results.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def evaluate(path: Path, spoken: list[tuple[HeldOut, np.ndarray]], *, show: bool) -> dict[str, dict]:
    """Return the results of `measure` by runtime, and how many texts differ from the torch plugin's."""
    results: dict[str, dict] = {}
    expected: list[str] = []
    for runtime, recognizer in recognizers(path):
        segments = [recognizer.transcribe([samples], WITH_WORDS)[0][0] for _, samples in spoken]
        texts = [segment.text for segment in segments]
        expected = expected or texts
        heard = list(zip((utterance for utterance, _ in spoken), segments, strict=True))
        results[runtime] = measure(heard, punctuated=path.stem.endswith("e2e_ctc"))
        results[runtime]["texts_unlike_torch"] = sum(map(str.__ne__, expected, texts))
        print(path.stem, runtime, json.dumps(results[runtime], indent=1))
        for utterance, segment in heard if show else ():
            if plain(segment.text) != utterance.plain:
                print(f"  {utterance.kind}: {utterance.plain} / {segment.text}")
    return results


def recognizers(path: Path) -> Iterator[tuple[str, govor.Recognizer]]:
    """Load a checkpoint, then its export in each precision."""
    tokenizer = tokenizer_path(path)
    table = {"id": path.stem, "folder": str(path.parent), "checkpoint": path.name}
    if tokenizer.exists():
        table["tokenizer"] = tokenizer.name
    yield "torch", load(govor_gigaam_torch.backend({"models": [table]}))
    if not list(path.parent.glob("*.onnx")):
        return
    with tempfile.TemporaryDirectory() as folder:
        widen_folder(path.parent, Path(folder))
        table = {"id": path.stem, "folder": folder}
        for precision in ("fp32", "int8"):
            settings = {"models": [table], "precision": precision}
            yield f"onnx {precision}", load(govor_gigaam_onnx.backend(settings))


def load(backend: govor.Backend) -> govor.Recognizer:
    (spec,) = (spec for spec in backend.models() if spec.folder)
    return backend.load(spec, Path(spec.folder), govor.RuntimeOptions("cpu"))


def utterances(files: bool) -> list[tuple[HeldOut, np.ndarray]]:
    if files:
        return [(utterance, utterance.samples()) for utterance in recorded()]
    from miniature.speech.espeak import Espeak

    espeak = Espeak()
    return [(utterance, speak_again(utterance, espeak).samples) for utterance in read()]


def measure(heard: list[tuple[HeldOut, govor.Segment]], punctuated: bool) -> dict:
    """Return error rates by kind of voice in percent, and word time errors in milliseconds."""
    figures: dict = {"utterances": len(heard)}
    for kind in ("all", *dict.fromkeys(utterance.kind for utterance, _ in heard)):
        chosen = [
            (utterance, segment.text) for utterance, segment in heard if kind in ("all", utterance.kind)
        ]
        words = [(utterance.plain.split(), plain(text).split()) for utterance, text in chosen]
        letters = [(list(utterance.plain), list(plain(text))) for utterance, text in chosen]
        figures[kind] = {"wer": rate(words), "cer": rate(letters)}
        if punctuated:
            figures[kind]["wer_punctuated"] = rate(
                [(utterance.text.split(), text.split()) for utterance, text in chosen]
            )
    pairs = [pair for one in heard for pair in words_heard(*one)]
    for side in ("start", "end"):
        off = [abs(getattr(word, side) - true[side == "end"]) * 1000 for true, word in pairs]
        figures[f"word_{side}_ms"] = {
            "median": round(float(np.median(off))),
            "p95": round(float(np.percentile(off, 95))),
        }
    return figures


def words_heard(utterance: HeldOut, segment: govor.Segment) -> list[tuple[tuple[float, float], govor.Word]]:
    """Return the true and the found times of correctly recognised words."""
    true, words = utterance.plain.split(), segment.words or ()
    if len(true) != len(utterance.words):
        return []
    heard = [plain(word.text) for word in words]
    blocks = difflib.SequenceMatcher(None, true, heard, autojunk=False).get_matching_blocks()
    return [
        (utterance.words[block.a + step], words[block.b + step])
        for block in blocks
        for step in range(block.size)
    ]


if __name__ == "__main__":
    main()
