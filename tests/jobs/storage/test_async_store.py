"""The store as the event loop uses it."""

from __future__ import annotations

import asyncio
import weakref
from pathlib import Path

import pytest

from govor.errors import JobsUnavailable
from govor.jobs.storage.async_store import AsyncJobStore


def test_an_event_without_a_waiter_is_dropped(tmp_path: Path) -> None:
    async def wait_and_leave() -> None:
        store = await AsyncJobStore.open(tmp_path, 3600)
        events = [store.changed("job_1"), store.changed("job_1")]
        assert events[0] is events[1]
        store.notify("job_1")
        assert events[0].is_set()
        later = store.changed("job_1")
        assert later is not events[0]
        dropped = weakref.ref(later)
        del later
        assert dropped() is None
        await store.close()

    asyncio.run(wait_and_leave())


def test_a_folder_where_jobs_cannot_be_kept_is_told_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    folder.touch()
    with pytest.raises(JobsUnavailable) as caught:
        asyncio.run(AsyncJobStore.open(folder, 3600))
    assert str(caught.value) == f"Jobs cannot be kept in {folder}: Not a directory."
