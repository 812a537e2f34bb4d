"""If the space for jobs is full, finished jobs of the client that takes most are deleted."""

from __future__ import annotations

import pytest

from govor.contract.results import Segment
from govor.errors import InsufficientStorage, JobNotFound
from govor.jobs.storage.capacity import used_bytes
from govor.jobs.storage.store import JobStore
from support.jobs_kept import Open, add

KB = 1000


def finished(store: JobStore, owner: str, size: int, now: float) -> str:
    """A completed job whose text has so many bytes."""
    job = add(store, owner)
    taken = store.begin_next(now)
    assert taken is not None
    store.add_segment(taken.number, Segment("x" * size), 1.0)
    store.complete(taken.number, 1.0, now)
    return job


def kept(store: JobStore, owner: str, *jobs: str) -> list[bool]:
    """Tell which of an owner's jobs are there."""
    found = []
    for job in jobs:
        try:
            store.get(job, owner)
            found.append(True)
        except JobNotFound:
            found.append(False)
    return found


def test_a_clients_own_oldest_results_make_way_and_not_anothers(reopen: Open) -> None:
    store = reopen()
    theirs = finished(store, "b", 100 * KB, 100.0)
    mine = [finished(store, "a", 100 * KB, 200.0 + n) for n in range(3)]
    most = used_bytes(reopen.tables) + 50 * KB
    for _ in range(3):
        add(store, "a", 60 * KB, most)
    assert kept(store, "b", theirs) == [True]
    assert kept(store, "a", *mine) == [False, False, True]


def test_whoever_takes_more_than_who_comes_makes_way(reopen: Open) -> None:
    store = reopen()
    hoard = [finished(store, "a", 100 * KB, 100.0 + n) for n in range(4)]
    small = finished(store, "c", 1 * KB, 50.0)
    most = used_bytes(reopen.tables) + 10 * KB
    add(store, "b", 60 * KB, most)
    assert kept(store, "a", *hoard) == [False, True, True, True]
    assert kept(store, "c", small) == [True]


def test_who_takes_most_and_has_nothing_that_ended_is_refused(reopen: Open) -> None:
    store = reopen()
    theirs = finished(store, "b", 50 * KB, 100.0)
    waiting = add(store, "a", 100 * KB)
    most = used_bytes(reopen.tables) + 10 * KB
    with pytest.raises(InsufficientStorage, match="jobs_max_mb"):
        add(store, "a", 60 * KB, most)
    assert kept(store, "b", theirs) + kept(store, "a", waiting) == [True, True]
