"""The command `govor` in fresh processes that are forked after all imports.

Starting Python and importing takes a second; the tests of the command line run it some sixty times.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from govor.cli import CORE

COMMANDS = sorted({f"govor.cli.{command.module}" for command in CORE.values()})
"""The modules of the commands, which `govor` itself imports only when a command runs."""


def run_govor(
    arguments: Sequence[str], *, env: Mapping[str, str], folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `govor` to its end in `folder`, with just this environment and no input."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "support.processes.warm_start", *COMMANDS])
    with tempfile.TemporaryDirectory() as streams:
        out, errors = Path(streams, "out"), Path(streams, "errors")
        process = context.Process(target=_govor, args=(list(arguments), dict(env), folder, out, errors))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode or 0
        process.close()
        return subprocess.CompletedProcess(list(arguments), code, out.read_text(), errors.read_text())


def _govor(arguments: list[str], env: dict[str, str], folder: Path, out: Path, errors: Path) -> None:
    from govor.cli import main

    for stream, path in ((0, Path(os.devnull)), (1, out), (2, errors)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.path.insert(0, env["PYTHONPATH"])
    sys.argv = ["govor", *arguments]
    main()
