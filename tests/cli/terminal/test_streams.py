"""Standard files that are closed, and locales without most letters, cost no work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

TEXT = "Да ✓ \udccf"
PRINT = f"from govor.cli.terminal.streams import prepare_streams; prepare_streams(); print({TEXT!r})"


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", "Да ✓ \\udccf"),
        ("utf-8", "Да ✓ \\udccf"),
        ("cp1251", "Да \\u2713 \\udccf"),
        ("latin-1", "\\u0414\\u0430 \\u2713 \\udccf"),
    ],
)
def test_every_text_can_be_printed_in_every_locale(encoding: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("utf-8" if encoding == "ascii" else encoding).strip() == printed


def closed(*descriptors: int) -> Callable[[], None]:
    """Return what a child does before it begins: close these."""

    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return close


@pytest.mark.parametrize("missing", [(0,), (1,), (0, 1), (0, 1, 2)])
def test_no_file_gets_the_number_of_a_closed_standard_file(missing: tuple[int, ...]) -> None:
    program = f"{PRINT}; import os; raise SystemExit(os.open(os.devnull, os.O_RDONLY))"
    done = subprocess.run([sys.executable, "-c", program], preexec_fn=closed(*missing))
    assert done.returncode >= 3
