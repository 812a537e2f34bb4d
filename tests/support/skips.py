"""Allowed reasons for skipping a test. If `make test` has installed everything, any other skip is a failure.

A skipped test says nothing: once a package had changed the spelling of its file's name, and eight tests were
skipped for as long as nobody read the list. So a reason counts only if `make test` cannot provide the missing
thing: a program or a system that this machine lacks, a recording that is not part of the repository, a model
without the tested feature.
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
        # things that a machine lacks
        r"on this machine$|there is no (nginx|systemd|Chromium) here$|curl is not installed$",
        r"Node, or the package openai in .* is missing",
        r"strace|/proc|CUDA|Apple GPU|limit of this machine is lower$",
        r"only Linux |only glibc |elsewhere a thread has no priority of its own$",
        # recordings that are no part of the repository
        r"the recording \S+ is not here$|there is no recording \S+ in ",
        # peers that nothing depends on: a test compares with them if they are installed
        r"there is no torchaudio for this torch$|(mistral-common|soundfile) is absent$|'onnx_asr\b",
        r"^silero-vad is not installed$",
        # missing features of a model, and consequences of another test's failure
        r"'\S+' does not stream$",
        r"does not report where its models run$|leaves long audio to the core$|does not detect languages$",
        r"are in no installed package$|another test says so$",
    )
)
"""Allowed reasons, in the words of the tests' code, with their subject."""


def is_allowed(reason: str) -> bool:
    """Tell whether a test may be skipped for this."""
    return any(allowed.search(reason) for allowed in ALLOWED)


def fault_of(reason: str) -> str:
    """Return why a skip is a failure; "": it is none, or `make test` has not installed everything."""
    reason = reason.removeprefix("Skipped: ")
    if not INSTALLED.is_file() or is_allowed(reason):
        return ""
    return (
        f"This test was skipped, and should have run: {reason}\n"
        "`make test` installs what it needs. If a machine may lack it, say so in tests/support/skips.py."
    )
