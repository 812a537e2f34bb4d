"""Random voice variants for espeak-ng, in a copy of its data: its own are too few for good generalisation."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

FORMANTS = range(9)


def write_variants(source: Path, folder: Path, rng: random.Random, count: int) -> list[str]:
    """Copy the data folder `source` into `folder`, new variants in place of its own; return their names.

    espeak-ng counts no more than 350 voices, languages included: 150 fit.
    """
    data = folder / "espeak-ng-data"
    shutil.copytree(source, data, dirs_exist_ok=True)
    for path in (data / "voices" / "!v").iterdir():
        path.unlink()
    names = [f"random{index:03}" for index in range(count)]
    for name in names:
        (data / "voices" / "!v" / name).write_text(variant(name, rng), encoding="utf-8")
    return names


def variant(name: str, rng: random.Random) -> str:
    """Return a voice file; numbers are per cent of the plain voice's, as espeak-ng's voices.md explains."""
    low = rng.randint(70, 200)
    tract = rng.uniform(88, 125)
    lines = [
        "language variant",
        f"name {name}",
        f"pitch {low} {round(low * rng.uniform(1.2, 1.8))}",
        f"flutter {rng.randint(0, 6)}",
        f"roughness {rng.randint(0, 2)}",
        f"voicing {rng.randint(35, 155)}",
        f"consonants {rng.randint(60, 150)} {rng.randint(20, 140)}",
    ]
    if rng.random() < 0.4:
        lines.append(f"echo {rng.randint(30, 130)} {rng.randint(5, 80)}")
    if rng.random() < 0.3:
        tones = (400, 1200, 3000, 4700)
        lines.append("tone " + " ".join(f"{tone} {rng.randint(40, 200)}" for tone in tones))
    for formant in FORMANTS:
        place = round(tract * rng.uniform(0.85, 1.15))
        lines.append(f"formant {formant} {place} {rng.randint(60, 150)} {rng.randint(60, 160)}")
    return "\n".join(lines) + "\n"
