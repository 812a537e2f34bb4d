"""Error rates: the distance of the recognised text from the spoken one."""

from __future__ import annotations

from collections.abc import Sequence


def rate(pairs: list[tuple[list, list]]) -> float:
    """Return edits over the reference's length, in percent."""
    return round(100 * sum(edits(*pair) for pair in pairs) / sum(len(true) for true, _ in pairs), 2)


def edits(true: Sequence, heard: Sequence) -> int:
    costs = list(range(len(heard) + 1))
    for row, expected in enumerate(true, 1):
        before, costs[0] = costs[0], row
        for column, found in enumerate(heard, 1):
            before, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, before + (expected != found)),
            )
    return costs[-1]
