"""What a test may be skipped for. Where `make test` has installed all, any other skip is a failure.

A test that is skipped tells nothing: once a package had changed the spelling of its file's name, and eight
tests were skipped for as long as nobody read the list. So a reason counts only if it is something that
`make test` cannot bring: a program or a system that this machine lacks, a recording that is no part of the
repository, a model that cannot do what is tested.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

INSTALLED = Path(sys.prefix) / ".tested"
"""`make test` writes it when everything is installed."""

ALLOWED = tuple(
    re.compile(reason)
    for reason in (
        # what a machine lacks
        r"on this machine$|there is no (nginx|systemd|Chromium) here$|curl is not installed$",
        r"Node, or the package openai in .* is missing",
        r"strace|/proc|CUDA|Apple GPU|limit of this machine is lower$",
        r"only Linux |only glibc |elsewhere a thread has no priority of its own$",
        # recordings that are no part of the repository
        r"the recording \S+ is not here$|there is no recording \S+ in ",
        # peers that nothing depends on: a test compares with them where somebody has installed them
        r"there is no torchaudio for this torch$|(mistral-common|soundfile) is absent$|'onnx_asr\b",
        r"^silero-vad is not installed$",
        # what a model cannot do, and what follows from another test's failure
        r"does not report where its models run$|leaves long audio to the core$|another test says so$",
        r"are in no installed package$",
    )
)
"""Reasons that stand in the code of tests, with what they are about."""


def is_allowed(reason: str) -> bool:
    """Tell whether a test may be skipped for this."""
    return any(allowed.search(reason) for allowed in ALLOWED)


def fault_of(reason: str) -> str:
    """Return why a skip is a failure; "": it is none. Without all that `make test` installs, none is."""
    reason = reason.removeprefix("Skipped: ")
    if not INSTALLED.is_file() or is_allowed(reason):
        return ""
    return (
        f"This test was skipped, and should have run: {reason}\n"
        "`make test` installs what it needs. If a machine may lack it, say so in tests/support/skips.py."
    )
