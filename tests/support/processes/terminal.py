"""A command on a pseudo-terminal, with its output as a user would see it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_on_terminal(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, columns: int = 100, output: bool = False
) -> tuple[int, str]:
    """Run a command whose stderr is a terminal, and its stdout only with `output`; return code and screen."""
    screen, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=side,
        stdout=side if output else subprocess.DEVNULL,
        stderr=side,
        env={**env, "TERM": "xterm"},
        cwd=cwd,
    )
    os.close(side)
    shown = b""
    try:
        while chunk := os.read(screen, 65_536):
            shown += chunk
    except OSError:
        pass  # Linux ends a terminal without open descriptors with EIO
    finally:
        os.close(screen)
    return process.wait(60), shown.decode()
