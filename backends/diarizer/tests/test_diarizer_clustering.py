"""Similar voices become one speaker, for any number of speakers."""

from itertools import combinations

import numpy as np
import pytest

from govor_diarizer import clustering
from govor_diarizer.clustering import cluster


def crowd(rng, speakers, each, noise=0.05):
    """Return unit vectors around `speakers` directions, and the speaker of each."""
    whose = np.repeat(np.arange(speakers), each)
    rng.shuffle(whose)
    vectors = np.eye(64)[whose] + rng.normal(0, noise, (len(whose), 64))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), whose


@pytest.mark.parametrize(
    ("least", "most", "speakers"), [(0, None, 4), (2, 2, 2), (6, 6, 6), (0, 3, 3), (5, None, 5)]
)
def test_there_are_as_many_speakers_as_are_said_to_be(least, most, speakers):
    vectors, _ = crowd(np.random.default_rng(1), 4, 10)
    assert cluster(vectors, np.ones(40), 0.5, least, most).max() + 1 == speakers


def test_fewer_voices_than_speakers_are_all_of_them():
    assert set(cluster(np.eye(2), np.ones(2), 0.5, 5, 5).tolist()) == {0, 1}


def groups_of(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def plain(vectors, weights, threshold):
    """Average linkage by the textbook: all members of all pairs are compared anew at every step."""
    groups = [[at] for at in range(len(vectors))]

    def likeness(pair):
        block = vectors[pair[0]] @ vectors[pair[1]].T
        return np.average(block, weights=np.outer(weights[pair[0]], weights[pair[1]]))

    while len(groups) > 1:
        best = max(combinations(groups, 2), key=likeness)
        if likeness(best) < threshold:
            break
        groups.remove(best[1])
        best[0].extend(best[1])
    return {frozenset(group) for group in groups}


@pytest.mark.parametrize("seed", range(5))
def test_it_is_average_linkage(seed):
    rng = np.random.default_rng(seed)
    vectors, _ = crowd(rng, 4, 6, noise=0.2)
    weights = rng.uniform(0.5, 3.0, len(vectors))
    assert groups_of(cluster(vectors, weights, 0.3)) == plain(vectors, weights, 0.3)


def test_all_speakers_are_distinguished():
    vectors, whose = crowd(np.random.default_rng(0), 5, 40)
    assert groups_of(cluster(vectors, np.ones(len(vectors)), 0.5)) == groups_of(whose)


def test_more_than_can_be_compared_at_once_are_clustered_in_parts(monkeypatch):
    monkeypatch.setattr(clustering, "AT_ONCE", 30)
    vectors, whose = crowd(np.random.default_rng(1), 3, 70)
    assert groups_of(cluster(vectors, np.ones(len(vectors)), 0.5)) == groups_of(whose)


def test_there_are_as_many_speakers_as_are_said_to_be_at_least_in_parts_too(monkeypatch):
    monkeypatch.setattr(clustering, "AT_ONCE", 30)
    vectors, _ = crowd(np.random.default_rng(1), 1, 40)
    assert cluster(vectors, np.ones(40), 0.5, 6).max() + 1 == 6


def test_as_many_speakers_as_voices_end_as_well(monkeypatch):
    monkeypatch.setattr(clustering, "AT_ONCE", 10)
    assert sorted(cluster(np.eye(40), np.ones(40), 0.5).tolist()) == list(range(40))


def test_one_voice_is_one_speaker():
    assert cluster(np.eye(3)[:1], np.ones(1), 0.5).tolist() == [0]
