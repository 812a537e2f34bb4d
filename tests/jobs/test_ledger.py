"""The store as the event loop uses it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from govor.jobs.ledger import Ledger


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
