"""Records of jobs outlive the process, and a full disk gets its own error."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from govor.contract.results import Segment
from govor.errors import JobsUnavailable
from govor.jobs.storage.async_store import _store_error
from govor.jobs.storage.data_folder import new_id
from govor.jobs.storage.records import JobFailure
from support.jobs_kept import Open, add


def test_a_job_comes_back_as_it_was(reopen: Open) -> None:
    store = reopen()
    job = add(store, webhook_url="https://example.org/")
    before = store.get(job, "")
    assert reopen().get(job, "") == before
    assert before.order.options.keywords == ("а, б",)


def test_a_recording_that_no_job_waits_with_is_swept_away(reopen: Open) -> None:
    store = reopen()
    job = add(store)
    stray = store.folder.audio(new_id())
    stray.write_bytes(b"half")
    store = reopen()
    assert store.folder.audio(job).exists()
    assert not stray.exists()


def test_an_end_is_told_once_whoever_comes_second(reopen: Open) -> None:
    store = reopen()
    add(store, webhook_url="https://example.org/")
    taken = store.begin_next(200.0)
    assert taken is not None
    assert store.cancel(taken.number, 300.0) is not None
    assert store.complete(taken.number, 9.0, 301.0) is None
    failure = JobFailure(status=500, type="server_error", code="x", message="y")
    assert store.fail(taken.number, failure, 302.0) is None
    store.add_segment(taken.number, Segment("late"), 1.0)
    assert store.read_on(taken.id, "", 0, 10)[1] == []
    assert store.due_deliveries(1e10) == ([], None)


def test_a_job_that_rests_is_passed_over(reopen: Open) -> None:
    store = reopen()
    first, second = add(store), add(store)
    resting = store.begin_next(200.0)
    assert resting is not None
    store.release(resting.number)
    taken = store.begin_next(201.0, {resting.number})
    assert taken is not None
    assert (resting.id, taken.id) == (first, second)
    assert store.begin_next(202.0, {resting.number}) is None
    again = store.begin_next(203.0)
    assert again is not None
    assert again.id == first


def test_a_segment_of_a_job_that_has_ended_is_not_kept_and_that_is_told(reopen: Open) -> None:
    store = reopen()
    add(store)
    taken = store.begin_next(200.0)
    assert taken is not None
    assert store.add_segment(taken.number, Segment("one"), 1.0)
    store.cancel(taken.number, 300.0)
    assert not store.add_segment(taken.number, Segment("two"), 2.0)


def test_what_is_forgotten_gives_its_room_on_the_disk_back(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    add(store)
    taken = store.begin_next(200.0)
    assert taken is not None
    for number in range(300):
        store.add_segment(taken.number, Segment("long " * 1000), float(number))
    store.complete(taken.number, 300.0, 300.0)
    store = reopen()  # what was in the journal is in the file
    assert (tmp_path / "jobs.db").stat().st_size > 1_500_000
    store.delete(taken.number)
    reopen()
    assert (tmp_path / "jobs.db").stat().st_size < 100_000


def test_a_full_disk_is_insufficient_storage(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    (pages,) = reopen.tables.execute("PRAGMA page_count").fetchone()
    reopen.tables.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for _ in range(100):
            add(store)

    with pytest.raises(sqlite3.OperationalError) as caught:
        fill()
    assert _store_error(caught.value, tmp_path).code == "insufficient_storage"


def test_a_file_that_is_no_database_is_said_so(reopen: Open, tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_bytes(b"something else entirely" * 500)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        reopen()
    assert isinstance(_store_error(caught.value, tmp_path), JobsUnavailable)


def test_jobs_of_a_newer_version_are_left_alone(reopen: Open) -> None:
    reopen()
    reopen.tables.execute("PRAGMA user_version = 99")
    with pytest.raises(JobsUnavailable, match="newer version"):
        reopen()


def test_segments_behind_the_position_are_forgotten_when_the_job_is_begun_again(reopen: Open) -> None:
    store = reopen()
    job = add(store)
    taken = store.begin_next(200.0)
    assert taken is not None
    store.add_segment(taken.number, Segment("kept", 0.0, 9.0), 9.0)
    store.add_segment(taken.number, Segment("of a chunk not finished", 9.0, 12.0), 9.0)
    store = reopen()
    again = store.begin_next(300.0)
    assert again is not None
    assert (again.position, again.attempts) == (9.0, 0)
    store.add_segment(again.number, Segment("told anew", 9.0, 12.5), 12.5)
    assert [segment.text for segment in store.read_on(job, "", 0, 10)[1]] == ["kept", "told anew"]
