"""Make the miniature's training set: sentences of the grammar spoken by espeak-ng and festival.

Needs Debian's packages espeak-ng, festival and festvox-ru, and numpy.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from miniature.speech import festival
from miniature.speech.espeak import Espeak, Voice, installed_data
from miniature.speech.variants import write_variants
from miniature.text.grammar import Grammar
from miniature.training.features import HOP, SAMPLE_RATE, log_mel

VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f5 adam anika Annie antonio aunty benjamin boris caleb david "
    "ed edward gustave iven john linda marcelo Mario Michael miguel norbert pablo paul quincy rob "
    "robert sandro steph travis victor zac max Alex Andrea Denis Diogo"
)
VOICES = VARIANTS.split()
HELD_OUT_VOICES = ("m7", "f4", "Alicia", "Marco", "belinda", "shelby")
SALAD_SHARE = 0.15
FESTIVAL_BATCH = 200


@dataclass(frozen=True)
class Utterance:
    """Float32 samples at 16 kHz; words' (start, end) in seconds, None where a synthesiser merged words."""

    text: str
    voice: Voice | None
    samples: np.ndarray
    words: list[tuple[float, float]] | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="for features.npy and utterances.json")
    parser.add_argument("--utterances", type=int, default=16_000)
    parser.add_argument("--festival", type=float, default=0.1, help="share of utterances in festival's voice")
    parser.add_argument("--variants", type=int, default=0, help="random voices in place of espeak-ng's own")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    grammar = Grammar()
    texts = [
        grammar.word_salad(rng) if rng.random() < SALAD_SHARE else grammar.training_sentence(rng)
        for _ in range(args.utterances)
    ]
    voices = VOICES
    if args.variants:
        voices = write_variants(installed_data(), args.folder, rng, args.variants)
    espeak = Espeak(args.folder if args.variants else None)
    write(args.folder, speak_all(espeak, voices, texts, round(args.festival * len(texts)), rng))


def speak_all(
    espeak: Espeak, voices: Sequence[str], texts: list[str], cut: int, rng: random.Random
) -> Iterator[Utterance]:
    """Yield an Utterance per text, the first `cut` in festival's voice."""
    for start in range(0, cut, FESTIVAL_BATCH):
        batch = texts[start : min(cut, start + FESTIVAL_BATCH)]
        for text, (samples, words) in zip(batch, festival.speak(batch), strict=True):
            yield pad(text, None, samples, words, rng)
    for text in texts[cut:]:
        yield speak(espeak, text, random_voice(rng, voices), rng)


def random_voice(rng: random.Random, names: Sequence[str]) -> Voice:
    return Voice(f"ru+{rng.choice(names)}", rng.randint(120, 180), rng.randint(20, 80), rng.randint(1, 6))


def speak(espeak: Espeak, text: str, voice: Voice, rng: random.Random) -> Utterance:
    samples, words = espeak.speak(text, voice)
    return pad(text, voice, resample(samples, espeak.sample_rate), words, rng)


def pad(
    text: str,
    voice: Voice | None,
    samples: np.ndarray,
    words: list[tuple[float, float]],
    rng: random.Random,
) -> Utterance:
    """Put 0.1 to 0.5 s of silence before and after."""
    before, after = (np.zeros(rng.randint(1600, 8000), np.float32) for _ in range(2))
    shift = len(before) / SAMPLE_RATE
    merged = len(words) != len(text.split())
    shifted = None if merged else [(start + shift, end + shift) for start, end in words]
    return Utterance(text, voice, np.concatenate([before, samples, after]), shifted)


def resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the samples at 16 kHz, by dropping the upper part of their spectrum."""
    length = -(-len(samples) // 441) * 441
    kept = length * SAMPLE_RATE // rate
    spectrum = np.fft.rfft(samples, length)[: kept // 2 + 1]
    return (np.fft.irfft(spectrum, kept) * kept / length).astype(np.float32)


def write(folder: Path, utterances: Iterable[Utterance]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pieces, rows, first = [], [], 0
    for utterance in utterances:
        piece = log_mel(utterance.samples).astype(np.float16)
        voice = asdict(utterance.voice) if utterance.voice else None
        rows.append(
            {
                "text": utterance.text,
                "voice": voice,
                "first": first,
                "frames": len(piece),
                "words": utterance.words,
            }
        )
        first += len(piece)
        pieces.append(piece)
    np.save(folder / "features.npy", np.concatenate(pieces))
    (folder / "utterances.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    print(f"{len(rows)} utterances, {first * HOP / SAMPLE_RATE / 3600:.1f} h")


if __name__ == "__main__":
    main()
