"""Scripts for Node, run with the packages that `make test` installs into .venv/node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(sys.prefix) / "node/node_modules"
SECONDS = 240


def run_node(
    script: Path, *arguments: str, folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a copy of `script` in `folder`, beside the packages; skip the test if those are missing."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "openai").is_dir():
        pytest.skip(f"Node, or the package openai in {PACKAGES}, is missing; `make test` fetches the package")
    copy = Path(shutil.copy(script, folder))
    (folder / "node_modules").symlink_to(PACKAGES)  # import looks beside the script, and nowhere else
    return subprocess.run(
        [node, str(copy), *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
