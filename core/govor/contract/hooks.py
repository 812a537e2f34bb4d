"""Every hook a plugin may implement; the docstrings are the hook reference (docs/reference/hooks.md).

A plugin is any distribution with an entry point in the group `govor` whose module implements one of
these with `@govor.hookimpl`. `settings` is the plugin's own table `[plugins.NAME]` of plugins.toml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from govor.contract.diarization import Diarizer
    from govor.contract.recognition import Backend, VoiceDetector
    from govor.contract.server import Transcriber

hookspec = pluggy.HookspecMarker("govor")
hookimpl = pluggy.HookimplMarker("govor")


@hookspec
def backend(settings: Mapping[str, Any]) -> Backend:
    """Return the plugin's model family.

    Called once at start. Import nothing heavy and touch no file or network here: that belongs into
    `Backend.load`. Raise ValueError where `settings` is wrong; the message is shown to the operator.
    """
    raise NotImplementedError


@hookspec
def commands(settings: Mapping[str, Any]) -> Sequence[click.Command]:
    """Return further commands of the terminal's `govor`.

    Called for `govor --help` and for a command that the core does not have, never by the server. Import
    nothing heavy here: that belongs into a command's own function. The core's names cannot be taken, and of
    two plugins' the first in `order` keeps a name.
    """
    raise NotImplementedError


@hookspec
def diarizer(settings: Mapping[str, Any]) -> Diarizer:
    """Return what tells who speaks when.

    Called once at start; of several plugins' the first in `order` is used. Import nothing heavy and touch no
    file or network here: that belongs into `Diarizer.load`. Its `spec` is a model like any other on disk and
    in memory, but none that transcribes. Raise ValueError where `settings` is wrong.
    """
    raise NotImplementedError


@hookspec
def startup(transcriber: Transcriber, settings: Mapping[str, Any]) -> AbstractAsyncContextManager[object]:
    """Return what goes on beside the HTTP server: another protocol, a watched folder.

    Called in the event loop as the server starts, never by commands of the terminal. What it returns is
    entered before the first request and left when the server stops, and must be quick at both. Where one of
    them raises, the plugin is recorded with the reason and the server goes on.
    """
    raise NotImplementedError


@hookspec
def vad(settings: Mapping[str, Any]) -> VoiceDetector:
    """Return a voice detector, which tells speech from silence before any model is asked.

    Called once, in a thread, before the first recording. The first plugin in `order` that returns one
    wins; where it raises, the next is asked, and the core's energy detector stands behind them all.
    """
    raise NotImplementedError
