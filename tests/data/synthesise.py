"""Make the recordings of this folder with festival; texts and voices stand in transcripts.json.

Needs Debian's packages festival, festvox-ru and festvox-us-slt-hts, and no Python package.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

HERE = Path(__file__).parent
SAMPLE_RATE = 16_000
SAMPLE_BYTES = 2
PAUSE_SECONDS = 0.4
"""Between sentences: festival leaves almost none, and people breathe."""


def main() -> int:
    args = arguments()
    recipes = json.loads((HERE / "transcripts.json").read_text(encoding="utf-8"))
    if unknown := set(args.files) - set(recipes):
        sys.exit(f"not in transcripts.json: {', '.join(sorted(unknown))}")
    if not shutil.which("text2wave"):
        sys.exit("text2wave is not here: apt-get install festival festvox-ru festvox-us-slt-hts")
    differing = 0
    for name in args.files or recipes:
        samples = speak(recipes[name]["text"], recipes[name]["voice"])
        if args.check:
            same = samples == read_wave(HERE / name)
            differing += not same
            print(f"{name}: {'the same' if same else 'DIFFERS'}")
        else:
            args.out.mkdir(parents=True, exist_ok=True)
            write_wave(args.out / name, samples)
            print(f"{name}: {len(samples) / SAMPLE_BYTES / SAMPLE_RATE:.1f} s")
    return 1 if differing else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="names in transcripts.json (default: all)")
    parser.add_argument(
        "--out", type=Path, default=HERE, metavar="FOLDER", help="folder to write to (default: this one)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    return parser.parse_args()


def speak(text: str, voice: str) -> bytes:
    """Return `text` as 16-bit mono samples at 16 kHz: each sentence by itself, pauses between them."""
    pause = bytes(SAMPLE_BYTES * round(PAUSE_SECONDS * SAMPLE_RATE))
    sentences = re.findall(r"[^.!?]+[.!?]", text)
    return pause.join(speak_sentence(sentence.strip(), voice) for sentence in sentences)


def speak_sentence(sentence: str, voice: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "sentence.wav")
        command = ["text2wave", "-F", str(SAMPLE_RATE), "-eval", f"(voice_{voice})", "-o", str(target)]
        done = subprocess.run(command, input=sentence.encode(), capture_output=True, check=False)
        # Festival exits with 0 and writes no file if a voice is not installed.
        if done.returncode or not target.is_file():
            sys.exit(f"festival cannot speak with {voice}: {done.stderr.decode(errors='replace').strip()}")
        return read_wave(target)


def read_wave(path: Path) -> bytes:
    """Return the samples; exit if they are not 16-bit mono at 16 kHz."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, SAMPLE_BYTES, SAMPLE_RATE):
            sys.exit(f"{path} is not 16-bit mono at {SAMPLE_RATE} Hz")
        return file.readframes(file.getnframes())


def write_wave(path: Path, samples: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples)


if __name__ == "__main__":
    sys.exit(main())
