"""Make heldout.json, and heldout/*.ogg of its first utterances: sentences and voices never trained on.

Needs what synthesise.py needs, and soundfile.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace

import numpy as np

from miniature.heldout import FOLDER, LIST, HeldOut
from miniature.speech import festival
from miniature.speech.espeak import Espeak, Voice
from miniature.speech.synthesise import (
    HELD_OUT_VOICES,
    SAMPLE_RATE,
    VOICES,
    Utterance,
    pad,
    random_voice,
    speak,
)
from miniature.text.grammar import Grammar, plain

SEED = 20_000
SHORTEST_WORDS = 3
COUNTS = {"trained": 120, "new": 50, "festival": 30}
RECORDED = {"trained": 16, "new": 8, "festival": 6}
"""How many of each kind are committed as files."""


def main() -> None:
    import soundfile

    FOLDER.mkdir(exist_ok=True)
    espeak, rows = Espeak(), []
    for utterance in choose():
        spoken = speak_again(utterance, espeak)
        times = [(round(start, 3), round(end, 3)) for start, end in spoken.words or []]
        rows.append(asdict(replace(utterance, words=times)))
        if utterance.file:
            soundfile.write(FOLDER / utterance.file, spoken.samples, SAMPLE_RATE)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    LIST.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def choose() -> list[HeldOut]:
    """Draw the list, word times not yet known. No sentence comes twice."""
    rng, grammar = random.Random(SEED), Grammar()
    chosen: dict[str, HeldOut] = {}
    for kind, count in COUNTS.items():
        for index in range(count):
            text = grammar.held_out_sentence(rng)
            while text in chosen or len(text.split()) < SHORTEST_WORDS:
                text = grammar.held_out_sentence(rng)
            names = {"trained": VOICES, "new": HELD_OUT_VOICES}.get(kind)
            chosen[text] = HeldOut(
                text=text,
                plain=plain(text),
                kind=kind,
                words=[],
                voice=asdict(random_voice(rng, names)) if names else None,
                noise=round(10 ** rng.uniform(-3.5, -2.3), 5),
                seed=rng.randrange(10**6),
                file=f"{kind}-{index:02}.ogg" if index < RECORDED[kind] else None,
            )
    return list(chosen.values())


def speak_again(utterance: HeldOut, espeak: Espeak) -> Utterance:
    """Return the samples as a 16-bit file holds them: padding and noise come from the utterance's seed.

    espeak-ng carries state on: one process must speak the whole list in order to make the same samples.
    """
    rng = random.Random(utterance.seed)
    if utterance.voice:
        spoken = speak(espeak, utterance.text, Voice(**utterance.voice), rng)
    else:
        spoken = pad(utterance.text, None, *festival.speak([utterance.text])[0], rng)
    noise = np.random.default_rng(utterance.seed).standard_normal(len(spoken.samples)) * utterance.noise
    samples = np.round((spoken.samples + noise).clip(-1, 1 - 2**-15) * 32768) / 32768
    return replace(spoken, samples=samples.astype(np.float32))


if __name__ == "__main__":
    main()
