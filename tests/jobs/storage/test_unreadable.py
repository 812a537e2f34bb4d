"""A row that cannot be read fails alone: damage, another version of Govor, or somebody else's hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from govor.contract.results import Segment
from govor.jobs.storage.records import UNREADABLE
from govor.names import is_job
from support.jobs_kept import Open, add

HOOK = "https://example.org/"
DAMAGE = [
    "wanted = '{}'",
    "wanted = ''",
    "wanted = 'no json'",
    "wanted = x'ff00'",
    "wanted = CAST(x'7bff7d' AS TEXT)",
    "wanted = json_set(wanted, '$.options.task', 'sing')",
    "wanted = json_remove(wanted, '$.model')",
    "id = '../../outside'",
    "id = x'00'",
]
ODDITIES = [
    "status = 'on holiday'",
    "created_at = 'yesterday'",
    "position = 'middle', seconds_total = 9e999",
    "attempts = 'many'",
    "model = x'ff'",
    "failure = '{', status = 'failed'",
    "failure = x'00', status = 'failed'",
    "started_at = CAST(x'ff' AS TEXT)",
]


def spoil(reopen: Open, damage: str) -> None:
    """Change the first job's row as no Govor writes it."""
    reopen.tables.execute(f"UPDATE jobs SET {damage} WHERE number = 1")


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_job_whose_order_cannot_be_read_fails_and_the_next_is_begun(
    reopen: Open, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = reopen()
    add(store)
    sound = add(store)
    spoil(reopen, damage)
    failed = store.begin_next(200.0)
    assert failed is not None
    assert (failed.number, failed.status, failed.failure) == (1, "failed", UNREADABLE)
    begun = store.begin_next(201.0)
    assert begun is not None
    assert begun.id == sound
    assert [job.status for job in store.newest("", None, None, 10)] == ["in_progress", "failed"]
    store = reopen()
    assert [job.status for job in store.newest("", None, None, 10)] == ["queued", "failed"]
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


@pytest.mark.parametrize("damage", [*DAMAGE[:7], *ODDITIES])
@pytest.mark.parametrize("state", ["queued", "in_progress", "completed"])
def test_whatever_is_in_a_row_every_question_is_answered(reopen: Open, damage: str, state: str) -> None:
    store = reopen()
    job = add(store, webhook_url=HOOK)
    if state != "queued":
        taken = store.begin_next(150.0)
        assert taken is not None
        if state == "completed":
            store.complete(taken.number, 1.0, 160.0)
    spoil(reopen, damage)
    for killed in (None, False, True):
        store = store if killed is None else reopen(killed=killed)
        (listed,) = store.newest("", None, None, 10)
        assert (listed.id, listed.number) == (job, 1)
        assert store.get(job, "").id == job
        assert store.read_on(job, "", 0, 10)[1] == []
        assert sum(store.counts().values()) == 1
        store.due_deliveries(1e10)
        store.begin_next(200.0)
        store.forget(1.0)
    store.cancel(1, 300.0)
    store.delete(1)


def test_a_recording_of_a_job_that_failed_so_is_deleted_and_its_hook_is_told(reopen: Open) -> None:
    store = reopen()
    job = add(store, webhook_url=HOOK)
    spoil(reopen, "wanted = json_remove(wanted, '$.model')")
    store.begin_next(200.0)
    assert not store.folder.audio(job).exists()
    (delivery,) = store.due_deliveries(1e10)[0]
    assert (delivery.url, "transcription.job.failed" in delivery.body) == (HOOK, True)


def test_a_segment_that_cannot_be_read_fails_its_job(reopen: Open) -> None:
    store = reopen()
    job = add(store)
    taken = store.begin_next(200.0)
    assert taken is not None
    store.add_segment(taken.number, Segment("one"), 1.0)
    store.complete(taken.number, 1.0, 300.0)
    reopen.tables.execute("UPDATE segments SET body = '{'")
    found, segments = store.read_on(job, "", 0, 10)
    assert (found.status, found.failure, segments) == ("failed", UNREADABLE, [])


def test_a_list_leaves_the_orders_on_the_disk(reopen: Open) -> None:
    store = reopen()
    job = add(store, speakers=[{"name": "Анна", "pcm": "AAAA" * 1000}])
    read: list[str] = []
    reopen.tables.set_trace_callback(read.append)
    store.newest("", None, None, 10)
    assert not any("jobs WHERE" in statement for statement in read), read
    columns = reopen.tables.execute("SELECT * FROM listed").fetchone().keys()
    assert not {"wanted", "body"} & set(columns)
    assert store.get(job, "").order.speakers is None
    begun = store.begin_next(200.0)
    assert begun is not None
    assert begun.order.speakers is not None


def test_only_names_of_jobs_are_recordings(reopen: Open, tmp_path: Path) -> None:
    folder = reopen().folder
    for name in ("../jobs.db", "/etc/passwd", "job_", "job_" + "0" * 23, "job_" + "G" * 24, ""):
        assert not is_job(name)
        folder.discard(name)
        with pytest.raises(ValueError, match="no job's id"):
            folder.audio(name)
    assert (tmp_path / "jobs.db").exists()


def test_what_is_not_called_like_a_job_is_left_in_the_folder_of_recordings(
    reopen: Open, tmp_path: Path
) -> None:
    outside, audio = tmp_path / "outside", tmp_path / "audio"
    outside.write_bytes(b"somebody's")
    reopen()
    (audio / "rec0.wav").write_bytes(b"somebody's")
    (audio / "job_notes.txt").write_bytes(b"somebody's")
    (audio / ("job_" + "a" * 24)).mkdir()
    (audio / ("job_" + "b" * 24)).symlink_to(outside)
    (audio / "sub").mkdir()
    (audio / ("job_" + "c" * 24)).write_bytes(b"a recording that nobody waits for")
    before = set(audio.iterdir())
    reopen()
    assert before - set(audio.iterdir()) == {audio / ("job_" + "c" * 24)}
    assert outside.read_bytes() == b"somebody's"
