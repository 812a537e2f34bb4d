"""All response formats of one installation: the core's, and those of plugins, which may fail."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from govor.contract.results import Transcript
from govor.contract.texts.formats import Presentation, ResponseFormat
from govor.errors import FormatFailed, InvalidParam, reason
from govor.formats.rendering.formats import MEDIA_TYPES, SUBTITLE_FORMATS, SUFFIXES, render
from govor.formats.rendering.paragraphs import paragraphs
from govor.formats.subtitles.files import STANDARD
from govor.formats.subtitles.layout import Layout
from govor.plain import is_text, without_controls

TITLE_LENGTH = 200

log = logging.getLogger(__name__)

PLUGINS = {"md": "documents", "docx": "documents"}
"""Formats that plugins of this project add, with the plugin."""


class Formats:
    """The formats by their names. A name keeps its first format; the core's come first."""

    def __init__(self, offered: Iterable[tuple[str, ResponseFormat]] = ()):
        """Take formats of plugins, each with its plugin's name; one whose name is taken is left out."""
        self._added: dict[str, tuple[str, ResponseFormat]] = {}
        for plugin, own in offered:
            if own.name in MEDIA_TYPES or own.name in self._added:
                log.warning(
                    "Plugin '%s' has a format '%s', whose name is taken: it is left out", plugin, own.name
                )
            else:
                self._added[own.name] = (plugin, own)

    def __iter__(self) -> Iterator[str]:
        yield from MEDIA_TYPES
        yield from self._added

    def __contains__(self, name: object) -> bool:
        return name in MEDIA_TYPES or name in self._added

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the plugins' formats."""
        return tuple(self._added)

    def of_plugin(self, plugin: str) -> list[str]:
        """Return the names of one plugin's formats."""
        return [name for name, (owner, _) in self._added.items() if owner == plugin]

    def check(self, name: str, own: Iterable[str] = MEDIA_TYPES, param: str = "response_format") -> None:
        """Raise InvalidParam if a format is none of a route's own ones and of no plugin."""
        known = dict.fromkeys((*own, *self._added))
        if name not in known:
            raise InvalidParam(
                f"{param} '{name[:40]}' is unknown; there are {', '.join(known)}.{origin(name)}", param=param
            )

    def media_type(self, name: str) -> str:
        """Return the media type of a known format."""
        if name not in self._added:
            return MEDIA_TYPES[name]
        kind = self._added[name][1].media_type
        return f"{kind}; charset=utf-8" if kind.startswith("text/") and "charset=" not in kind else kind

    def suffix(self, name: str) -> str:
        """Return the suffix of a known format's files, with its dot."""
        return self._added[name][1].suffix if name in self._added else SUFFIXES[name]

    def needs_words(self, name: str) -> bool:
        """Return whether a format needs the times of words, asked for or not."""
        return self._added[name][1].needs_words if name in self._added else name in SUBTITLE_FORMATS

    def can_show_words(self, name: str) -> bool:
        """Return whether a format has times of words if they are asked for."""
        return name == "verbose_json" or name in self._added

    def is_text(self, name: str) -> bool:
        """Return whether a person can read the format's files as they are."""
        return is_text(self.media_type(name))

    def render(
        self,
        transcript: Transcript,
        name: str,
        *,
        words: bool,
        segments: bool,
        logprobs: bool,
        codes: bool = False,
        times: bool = False,
        layout: Layout = STANDARD,
        title: str = "",
    ) -> tuple[str | bytes, str]:
        """Return body and media type; `title` is for formats of plugins, the rest as for the core's `render`.

        Raises InvalidParam for an unknown format, and FormatFailed if a plugin fails.
        """
        self.check(name)
        if name in self._added:
            shown = Presentation(
                paragraphs=tuple(paragraphs(transcript)),
                title=" ".join(without_controls(title).split())[:TITLE_LENGTH],
                times=times,
                words=words,
            )
            return self._render_added(transcript, name, shown), self.media_type(name)
        return render(
            transcript,
            name,
            words=words,
            segments=segments,
            logprobs=logprobs,
            codes=codes,
            times=times,
            layout=layout,
        )

    def _render_added(self, transcript: Transcript, name: str, shown: Presentation) -> str | bytes:
        plugin, own = self._added[name]
        try:
            body = own.render(transcript, shown)
            if not isinstance(body, str | bytes):
                raise TypeError(f"render gave {type(body).__name__} instead of str or bytes")
            if isinstance(body, str):
                body.encode()  # raises UnicodeEncodeError for a lone surrogate, which no client could read
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything
            log.exception("The format '%s' of the plugin '%s' failed", name, plugin)
            raise FormatFailed(
                f"The plugin '{plugin}' could not write the format '{name}': {reason(error).rstrip('.')}. "
                "The transcript is whole: ask for another format."
            ) from error
        return body


CORE_FORMATS = Formats()
"""The formats of the core alone."""


def origin(name: str) -> str:
    """Return a sentence that names the plugin of a format that is not here; "" if it is of no known one."""
    return f" '{name}' comes with the plugin '{PLUGINS[name]}'." if name in PLUGINS else ""
