"""Find the language of each part of a window. Pure.

Whisper detects the language of a window from its encoder's output, or of a part from a part of it. For single
parts of one or two seconds the result is sometimes wrong, for several in a row it is not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

PARTS = 20
"""Parts of a window of 30 s."""

LEAST_CHANCE = 0.05
"""Least probability of a part's language, so that no part alone decides."""

CHANGE = 6.0
"""Cost of a change, in natural logarithms of probabilities: three clear parts, 4.5 s, outweigh it."""

SURE = 0.8
"""Least probability of a run's language, detected from the run alone; the language before has at most the
rest.
"""

RELATED = (
    {"ru", "uk", "be", "bg", "mk"},
    {"hr", "sr", "bs", "sl", "mk", "bg"},
    {"cs", "sk", "pl"},
    {"no", "nn", "da", "sv", "fo", "is"},
    {"es", "pt", "gl", "ca", "oc", "it"},
    {"de", "nl", "af", "lb", "yi"},
    {"hi", "ur", "pa", "ne", "mr"},
    {"id", "ms", "jw", "su"},
    {"zh", "yue"},
    {"tr", "az", "tk", "uz", "tt", "kk", "ba"},
    {"en", "cy", "nn", "haw", "mi", "sn", "la"},
)
"""Languages (Whisper's codes) that Whisper confuses, or detects for accents and noise. A change from one to
another of these counts only if the client names the language.
"""

Chances = Mapping[str, float]


class Run(NamedTuple):
    """Consecutive parts in one language; `end` is the first part after it."""

    first: int
    end: int
    language: str


def among(chances: Chances, languages: Collection[str]) -> Chances:
    """Return the probabilities of these languages only, renormalised; of all, if there are none."""
    known = {code: chances.get(code, 0.0) for code in languages}
    whole = sum(known.values())
    return {code: chance / whole for code, chance in known.items()} if whole else chances


def runs(parts: Sequence[Chances], language: str) -> list[Run]:
    """Return the most probable runs of parts, if changes are rare; `language` is that before them."""
    best = Counter(max(chances, key=chances.__getitem__) for chances in parts)
    codes = [language, *(code for code, times in best.items() if times > 1 and code != language)]
    if len(codes) == 1:
        return [Run(0, len(parts), language)]
    score = {code: 0.0 if code == language else -CHANGE for code in codes}
    came_from: list[dict[str, str]] = []
    for chances in parts:
        leader = max(score, key=score.__getitem__)
        stays = {code: score[code] >= score[leader] - CHANGE for code in codes}
        came_from.append({code: code if stays[code] else leader for code in codes})
        score = {
            code: max(score[code], score[leader] - CHANGE)
            + math.log(max(chances.get(code, 0.0), LEAST_CHANCE))
            for code in codes
        }
    spoken = [max(score, key=score.__getitem__)]
    for origin in reversed(came_from[1:]):
        spoken.append(origin[spoken[-1]])
    spoken.reverse()
    found = [Run(0, 1, spoken[0])]
    for at, code in enumerate(spoken[1:], 1):
        if code == found[-1].language:
            found[-1] = found[-1]._replace(end=at + 1)
        else:
            found.append(Run(at, at + 1, code))
    return found


def is_change(chances: Chances, before: str, after: str, named: Collection[str]) -> bool:
    """Tell whether speech with these probabilities is in another language than that before it."""
    if after not in named and any({before, after} <= group for group in RELATED):
        return False
    return chances.get(after, 0.0) >= SURE and chances.get(before, 0.0) <= 1 - SURE
