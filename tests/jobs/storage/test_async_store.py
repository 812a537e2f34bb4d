"""The store as the event loop uses it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from govor.errors import JobsUnavailable
from govor.jobs.storage.async_store import Ledger


def test_a_bell_that_nobody_waits_for_is_gone(tmp_path: Path) -> None:
    async def wait_and_leave() -> None:
        ledger = await Ledger.open(tmp_path, 3600)
        bells = [ledger.bell("job_1"), ledger.bell("job_1")]
        assert bells[0] is bells[1]
        ledger.ring("job_1")
        assert bells[0].is_set()
        assert ledger.bell("job_1") is not bells[0]
        assert len(ledger._bells) == 0
        await ledger.close()

    asyncio.run(wait_and_leave())


def test_a_folder_where_jobs_cannot_be_kept_is_told_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    folder.touch()
    with pytest.raises(JobsUnavailable) as caught:
        asyncio.run(Ledger.open(folder, 3600))
    assert str(caught.value) == f"Jobs cannot be kept in {folder}: Not a directory."
