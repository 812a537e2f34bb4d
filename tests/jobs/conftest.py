"""A store that can be opened again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.jobs_kept import Open, Reopened


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Open]:
    """Open the store of one folder again and again."""
    store = Reopened(tmp_path)
    yield store
    store.close()
