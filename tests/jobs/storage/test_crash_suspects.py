"""A crash is blamed on a job only if it was worked on alone; several are tried one at a time."""

from __future__ import annotations

from govor.contract.results import Segment
from govor.jobs.runner import ATTEMPTS
from govor.jobs.storage.records import RequestedJob
from govor.jobs.storage.store import JobStore
from support.jobs_kept import Open, add


def begin(store: JobStore, *, quiet: bool = True) -> RequestedJob:
    job = store.begin_next(200.0, quiet=quiet)
    assert job is not None
    return job


def test_a_server_that_stops_is_not_held_against_a_job(reopen: Open) -> None:
    store = reopen()
    add(store)
    for _ in range(ATTEMPTS + 2):
        assert begin(store).attempts == 0
        store = reopen()
    add(store)
    assert [begin(store).attempts, begin(store).attempts] == [0, 0], "nor does it come under suspicion"


def test_a_job_that_was_alone_is_charged_with_every_crash_until_it_gets_further(reopen: Open) -> None:
    store = reopen()
    add(store)
    for attempt in range(ATTEMPTS):
        assert begin(store).attempts == attempt
        store = reopen(killed=True)
    taken = begin(store)
    assert taken.attempts == ATTEMPTS
    store.add_segment(taken.number, Segment("one"), 1.0)
    assert store.get(taken.id, "").attempts == 0
    add(store)
    assert store.begin_next(201.0) is not None, "it is suspected no more: another runs beside it"


def test_after_a_crash_with_several_under_way_they_are_tried_one_at_a_time(reopen: Open) -> None:
    store = reopen()
    first, second, third = add(store), add(store), add(store)
    assert [begin(store).id, begin(store).id] == [first, second]
    store = reopen(killed=True)
    alone = begin(store)
    assert (alone.id, alone.attempts) == (first, 0)
    assert store.begin_next(201.0) is None, "neither the other suspect nor who is above suspicion"
    store.complete(alone.number, 9.0, 300.0)
    assert begin(store).id == second
    assert store.begin_next(202.0) is None
    store = reopen(killed=True)
    charged = begin(store)
    assert (charged.id, charged.attempts) == (second, 1), "now it was alone"
    store.complete(charged.number, 9.0, 300.0)
    assert begin(store).id == third


def test_a_bystander_never_fails_however_often_the_other_ends_the_server(reopen: Open) -> None:
    store = reopen()
    guilty, bystander = add(store), add(store)
    begin(store), begin(store)
    for _ in range(ATTEMPTS):
        store = reopen(killed=True)
        assert begin(store).id == guilty
    store = reopen(killed=True)
    assert (begin(store).attempts, store.get(bystander, "").attempts) == (ATTEMPTS, 0)
    assert store.folder.audio(bystander).exists()


def test_where_requests_were_worked_on_too_nobody_is_charged(reopen: Open) -> None:
    store = reopen()
    job, other = add(store), add(store)
    for _ in range(ATTEMPTS + 2):
        assert begin(store).id == job
        store.folder.note_interactive(1)
        store = reopen(killed=True)
        assert store.get(job, "").attempts == 0
    begin(store)
    store.folder.note_interactive(2)
    store.folder.note_interactive(0)
    store = reopen(killed=True)
    assert store.get(job, "").attempts == 1, "they had gone when the server ended"
    assert begin(store, quiet=False).id == other, "a suspect waits for quiet, and others overtake it"


def test_a_suspect_that_waits_for_others_to_end_is_not_overtaken(reopen: Open) -> None:
    store = reopen()
    suspect = add(store)
    begin(store)
    store = reopen(killed=True)
    later = add(store)
    running = begin(store, quiet=False)
    assert running.id == later
    add(store)
    assert store.begin_next(201.0) is None
    store.complete(running.number, 1.0, 202.0)
    assert begin(store).id == suspect


def test_a_database_without_the_columns_gets_them(reopen: Open) -> None:
    store = reopen()
    job = add(store)
    reopen.tables.executescript(
        "DROP VIEW listed; DROP VIEW asked; DROP VIEW hooks; DROP VIEW sizes; ALTER TABLE jobs DROP suspect;"
        "ALTER TABLE jobs DROP notices; ALTER TABLE jobs DROP file_name"
    )
    assert begin(reopen()).id == job
