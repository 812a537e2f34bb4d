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

    from govor.contract.backends import Backend, VoiceDetection
    from govor.contract.diarization import Diarizer
    from govor.contract.server import Transcriber
    from govor.contract.texts.formats import ResponseFormat
    from govor.contract.texts.processing import TextProcessing
    from govor.contract.workers import Executor

hookspec = pluggy.HookspecMarker("govor")
hookimpl = pluggy.HookimplMarker("govor")


@hookspec
def backend(settings: Mapping[str, Any]) -> Backend:
    """Return the plugin's model family.

    Called once at start. Import nothing heavy and touch no file or network here: that belongs into
    `Backend.load`. Raise ValueError if `settings` is wrong; the operator sees the message.
    """
    raise NotImplementedError


@hookspec
def commands(settings: Mapping[str, Any]) -> Sequence[click.Command]:
    """Return further commands of the terminal's `govor`.

    Deprecated: declare an entry point of the group `govor.commands` instead. Called for a command that
    neither the core nor an entry point has, never for `govor --help`, which does not list these commands, and
    never by the server. If two plugins use one name, the first in `order` keeps it.
    """
    raise NotImplementedError


@hookspec
def diarizer(settings: Mapping[str, Any]) -> Diarizer:
    """Return a family of diarizers, which find out who speaks when.

    Called once at start. If several plugins have this hook, the first in `order` is used. Import nothing
    heavy and touch no file or network here: that belongs into `Diarizer.load`. Its models are of the kind
    DIARIZATION; on disk and in memory they are like any other. Raise ValueError if `settings` is wrong.
    """
    raise NotImplementedError


@hookspec
def executor(settings: Mapping[str, Any]) -> Executor:
    """Return an executor, which runs models in other processes or on other machines.

    Called once at start. It gets the models whose setting `device` is one of its schemes with a colon and
    more behind it, as `ray:gpu`. If two plugins claim a scheme, the first in `order` has it. Import nothing
    heavy and touch no file or network here: that belongs into `Executor.load`. Raise ValueError if `settings`
    is wrong.
    """
    raise NotImplementedError


@hookspec
def formats(settings: Mapping[str, Any]) -> Sequence[ResponseFormat]:
    """Return formats of responses, which clients choose by their names as they choose those of the core.

    Called once at start. Import nothing heavy here: that belongs into a format's `render`. A name of the core
    cannot be replaced; if two plugins use one name, the first in `order` keeps it. Raise ValueError if
    `settings` is wrong.
    """
    raise NotImplementedError


@hookspec
def startup(transcriber: Transcriber, settings: Mapping[str, Any]) -> AbstractAsyncContextManager[object]:
    """Return a context that runs beside the HTTP server: another protocol, a watched folder.

    Called in the event loop as the server starts, never by commands of the terminal. The context is entered
    before the first request and exited when the server stops, and must be quick at both. If either raises,
    the plugin is recorded with the reason and the server goes on.
    """
    raise NotImplementedError


@hookspec
def text(settings: Mapping[str, Any]) -> TextProcessing:
    """Return a family of models that improve texts: add punctuation, or write numbers in digits.

    Called once at start. Import nothing heavy and touch no file or network here: that belongs into
    `TextProcessing.load`. Its models are of the kind TEXT, and their features say what they can do:
    PUNCTUATION, ITN or both. If several models can do it for a language, the first in `order` is used. Raise
    ValueError if `settings` is wrong.
    """
    raise NotImplementedError


@hookspec
def vad(settings: Mapping[str, Any]) -> VoiceDetection:
    """Return a family of voice detectors, which separate speech from silence before a model gets the audio.

    Called once at start. Import nothing heavy and touch no file or network here: that belongs into
    `VoiceDetection.load`. Its models are of the kind VAD. Of all plugins in `order`, the first model that is
    installed and loads is used; if there is none, the core uses its energy detector. Raise ValueError if
    `settings` is wrong.
    """
    raise NotImplementedError
