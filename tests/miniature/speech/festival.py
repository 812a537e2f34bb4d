"""Russian speech with word times from festival's festvox-ru, one process for many sentences."""

from __future__ import annotations

import json
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

VOICE = "msu_ru_nsh_clunits"
SAMPLE_RATE = 16_000
SAY = """
(voice_{voice})
(define (say text file)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.wave.resample utt {rate})
    (utt.save.wave utt file 'riff)
    (mapcar (lambda (w) (format t "word\\t%f\\t%f\\n" (item.feat w "word_start") (item.feat w "word_end")))
            (utt.relation.items utt 'Word))
    (format t "end\\n")))
"""


def speak(texts: list[str]) -> list[tuple[np.ndarray, list[tuple[float, float]]]]:
    """Return float32 samples at SAMPLE_RATE and each word's start and end in seconds, per text."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{index}.wav") for index in range(len(texts))]
        lines = [
            f"(say {json.dumps(text, ensure_ascii=False)} {json.dumps(str(file))})"
            for text, file in zip(texts, files, strict=True)
        ]
        script = Path(folder, "say.scm")
        script.write_text(SAY.format(voice=VOICE, rate=SAMPLE_RATE) + "\n".join(lines), encoding="utf-8")
        done = subprocess.run(["festival", "-b", str(script)], capture_output=True, check=True)
        times: list[list[tuple[float, float]]] = [[]]
        for line in done.stdout.decode().splitlines():
            if line == "end":
                times.append([])
            elif line.startswith("word"):
                _, start, end = line.split("\t")
                times[-1].append((float(start), float(end)))
        return [(read(file), words) for file, words in zip(files, times, strict=False)]


def read(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float32) / 32768
