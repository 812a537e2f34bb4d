"""The answers of the backends whose models are in packages or in this repository.

`python tests/results/kept_answers.py` writes those of this machine over answers.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from govor.settings import Settings
from govor.testing import read_audio
from miniature.halves import widen_folder
from support.processes.servers import Server, serving
from support.sound import media

TESTS = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("answers.json")
MINIATURES = TESTS / "miniature/models"
UTTERANCES = [TESTS / f"miniature/heldout/trained-{number:02}.ogg" for number in range(16)]

WORDS = {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
LOGPROBS = {"include[]": "logprobs"}
STREAM = {"stream": "true", **LOGPROBS}

CASES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("whisper-base", "en", {"language": "en", **WORDS}),
    ("whisper-base", "ru", {"language": "ru", "response_format": "srt"}),
    ("moonshine-tiny-en", "en", {"response_format": "verbose_json"}),
    ("moonshine-tiny-en", "en", LOGPROBS),
    ("gigaam-onnx/v3_rnnt", "utterance", LOGPROBS),
    ("gigaam-onnx/v3_rnnt", "unbroken", WORDS),
    ("gigaam-onnx/v3_e2e_ctc", "utterance", WORDS),
    ("gigaam-torch/v3_ctc", "unbroken", {"response_format": "verbose_json"}),
    ("gigaam-torch/v3_e2e_ctc", "utterance", STREAM),
    ("echo", "en", WORDS),
)
"""Model, recording, fields of the form."""


@contextmanager
def every_backend(folder: Path) -> Iterator[Server]:
    """Run a server with the models of `CASES`; `folder` is an empty one for its files."""
    onnx, torch = [], []
    for head in ("v3_ctc", "v3_rnnt", "v3_e2e_ctc"):
        widen_folder(MINIATURES / head, folder / head)
        onnx.append({"id": head, "folder": str(folder / head)})
        tokenizer = {"tokenizer": f"{head}_tokenizer.model"} if "e2e" in head else {}
        of_head = {"id": head, "folder": str(MINIATURES / head), "checkpoint": f"{head}.ckpt", **tokenizer}
        torch.append(of_head)
    tables: dict[str, dict[str, Any]] = {
        "whisper": {"temperature_fallback": False},
        "gigaam-onnx": {"models": onnx, "precision": "fp32"},
        "gigaam-torch": {"models": torch},
    }
    settings = Settings(models_dir=folder / "models", data_dir=folder / "data", plugins=tables, preload=())
    with serving(settings) as server:
        yield server


def name_of(model: str, recording: str, fields: dict[str, Any]) -> str:
    """Return the key of a case."""
    return " ".join([model, recording, *sorted({"include[]", "stream", "response_format"} & fields.keys())])


def answer(server: Server, model: str, recording: str, fields: dict[str, Any]) -> object:
    """Return the body of one answer: JSON, the events of a stream, or text."""
    heard = server.post(_sound(recording), model=model, **fields)
    assert heard.status_code == 200, heard.text
    if "stream" in fields:
        lines = heard.text.splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    return heard.json() if "json" in heard.headers["Content-Type"] else heard.text


def _sound(recording: str) -> Path | bytes:
    """Return a recording. `unbroken`: utterances without a pause, so that chunks are cut amid speech."""
    if recording == "utterance":
        return UTTERANCES[5]
    if recording == "unbroken":
        return media.wav(np.concatenate([_spoken(read_audio(path)) for path in UTTERANCES]))
    return TESTS / f"data/{recording}.wav"


def _spoken(audio: Any) -> Any:
    """Return the audio without the silence around the speech."""
    loud = np.flatnonzero(np.abs(audio) > 0.05)
    return audio[loud[0] : loud[-1]]


def _write(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, every_backend(Path(folder)) as server:
        answers = {name_of(*case): answer(server, *case) for case in CASES}
    path.write_text(json.dumps(answers, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]) if len(sys.argv) > 1 else KEPT)
