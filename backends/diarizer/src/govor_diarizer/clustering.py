"""Cluster voices into speakers: average linkage by cosine. Pure.

Between clusters of unit vectors, the average cosine of all pairs is the product of their sums over the
product of their sizes. So a cluster is its sum and its weight, whatever vectors it contains.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

AT_ONCE = 1000
"""Most vectors compared with each other, all with all: some 25 minutes of speech. More are clustered in
parts, and then the parts' clusters: that bounds memory.
"""


def cluster(
    vectors: Floats, weights: Floats, threshold: float, least: int = 0, most: int | None = None
) -> Labels:
    """Return a label from 0 on for each unit vector; vectors with an average cosine of `threshold` share one.

    There are at least `least` and at most `most` labels, as far as there are vectors.
    """
    labels = np.arange(len(vectors))
    sums = vectors * weights[:, None]
    while len(sums) > AT_ONCE:
        parts = np.array_split(np.arange(len(sums)), -(-len(sums) // AT_ONCE))
        merged = _joined([_merge(sums[part], weights[part], threshold, least) for part in parts])
        if merged.max() + 1 == len(sums):
            break
        labels, sums, weights = merged[labels], _totals(sums, merged), _totals(weights, merged)
    return _merge(sums, weights, threshold, least, most)[labels]


def _merge(
    sums: Floats, weights: Floats, threshold: float, least: int = 0, most: int | None = None
) -> Labels:
    """Merge the two most similar clusters until none are similar enough; return dense labels."""
    left = len(sums)
    sums, weights = sums.copy(), weights.copy()
    labels = np.arange(len(sums))
    likeness = sums @ sums.T / np.outer(weights, weights)
    np.fill_diagonal(likeness, -np.inf)
    nearest = likeness.argmax(axis=1) if len(sums) else labels
    best = likeness[labels, nearest]
    while left > max(1, least) and (best.max() >= threshold or (most is not None and left > most)):
        left -= 1
        kept = int(best.argmax())
        gone = int(nearest[kept])
        sums[kept] += sums[gone]
        weights[kept] += weights[gone]
        labels[labels == gone] = kept
        row = sums @ sums[kept] / (weights * weights[kept])
        row[np.isneginf(likeness[kept])] = -np.inf  # itself, and clusters that were merged before
        row[gone] = -np.inf
        likeness[kept] = likeness[:, kept] = row
        likeness[gone] = likeness[:, gone] = -np.inf
        stale = np.flatnonzero((nearest == kept) | (nearest == gone))
        nearest[row > best] = kept
        stale = np.union1d(stale, [kept, gone])
        nearest[stale] = likeness[stale].argmax(axis=1)
        best = likeness[np.arange(len(sums)), nearest]
    return np.unique(labels, return_inverse=True)[1]


def _joined(parts: list[Labels]) -> Labels:
    """Number the clusters of all parts consecutively."""
    firsts = np.cumsum([0, *(part.max() + 1 for part in parts[:-1])])
    return np.concatenate([part + first for part, first in zip(parts, firsts, strict=True)])


def _totals(values: Floats, labels: Labels) -> Floats:
    totals = np.zeros((labels.max() + 1, *values.shape[1:]))
    np.add.at(totals, labels, values)
    return totals
