"""The output files of one recording: opened before the work, written segment by segment."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TextIO

from govor.cli.terminal.say import say
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Transcript
from govor.errors import FormatFailed, GovorError
from govor.formats.rendering.incremental import IncrementalFormat, SegmentTimer, incremental_format
from govor.formats.rendering.known_formats import CORE_FORMATS, Formats
from govor.formats.rendering.paragraphs import txt
from govor.formats.subtitles.layout import Layout
from govor.plain import without_controls


class NotWritten(GovorError):
    """A file cannot be written; the message names it."""


@dataclass(frozen=True, slots=True)
class Style:
    """The style of the texts."""

    options: Options
    words: bool
    """Whether verbose_json has times of words."""
    times: bool
    """Whether paragraphs of txt have times."""
    layout: Layout
    formats: Formats = CORE_FORMATS


class Outputs:
    """The texts of one recording, each in its format. Raises NotWritten."""

    def __init__(
        self,
        targets: Sequence[tuple[str, Path | None]],
        style: Style,
        standard: TextIO,
        *,
        force: bool,
        heading: str = "",
        title: str = "",
    ):
        """Open all `targets`: pairs of format and file; None: `standard`, which is standard output.

        `title` is the recording's.
        """
        self._standard = standard
        self._heading = heading
        self._title = title
        self._style = style
        self._placer = SegmentTimer()
        self.begun = False
        """Whether a segment with text was written."""
        self._texts: list[tuple[str, IncrementalFormat | None, _File | _Standard]] = []
        try:
            for name, path in targets:
                self._texts.append(
                    (name, self._grower(name), _File(path, force=force) if path else _Standard(standard))
                )
        except NotWritten:
            self.close()
            raise

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def shown(self) -> bool:
        """Whether a text goes to a terminal."""
        return any(isinstance(file, _Standard) and file.is_terminal for _, _, file in self._texts)

    @property
    def paths(self) -> list[Path]:
        """The files that are not empty."""
        return [file.path for _, _, file in self._texts if isinstance(file, _File) and file.written]

    def add(self, segment: Segment) -> None:
        """Write the text that one more segment makes final."""
        placed = self._placer.place(segment)
        if placed is None:
            return
        self.begun = True
        for _, grower, file in self._texts:
            if grower is not None:
                self._begin(grower, file)
                file.write(grower.add(placed))

    def end(self, transcript: Transcript) -> None:
        """Write the rest of the texts; the transcript may be unfinished.

        If a format of a plugin fails, the others are written, or the text is printed if there are none; then
        FormatFailed is raised.
        """
        failures: list[FormatFailed] = []
        for name, grower, file in self._texts:
            try:
                rest = self._whole(transcript, name) if grower is None else grower.end(transcript.duration)
            except FormatFailed as error:
                failures.append(error)
                continue
            self._begin(grower, file)
            file.write(rest)
            file.flush()
        if failures:
            if not any(file.written for _, _, file in self._texts):
                say(txt(transcript), nl=False, file=self._standard)  # the work of hours would be lost
            raise failures[0]

    def close(self) -> None:
        """Close all files, and delete new ones that are empty."""
        for _, _, file in self._texts:
            file.close()

    def _grower(self, name: str) -> IncrementalFormat | None:
        style = self._style
        language, task = style.options.language, style.options.task
        return incremental_format(name, language=language, task=task, times=style.times, layout=style.layout)

    def _begin(self, grower: IncrementalFormat | None, file: _File | _Standard) -> None:
        if file.written:
            return
        file.written = True
        if self._heading and isinstance(file, _Standard):
            say(self._heading, bold=True, file=self._standard)
        if grower is not None:
            file.write(grower.begin())

    def _whole(self, transcript: Transcript, name: str) -> str | bytes:
        style = self._style
        body, _ = style.formats.render(
            transcript,
            name,
            words=style.words,
            segments=True,
            logprobs=False,
            times=style.times,
            layout=style.layout,
            title=self._title,
        )
        if isinstance(body, str) and style.formats.suffix(name) == ".json" and not body.endswith("\n"):
            body += "\n"
        return body


class _File:
    """A file that is opened at once, and truncated only at the first write."""

    def __init__(self, path: Path, *, force: bool):
        """Without `force`, a file that was made after the check for it is left alone."""
        self.path = path
        self.written = False
        regular = path.is_file()
        self._made = not path.exists() or (regular and not force)
        mode = "x" if self._made else "r+" if regular else "w"
        try:
            self._file: IO[bytes] = path.open(f"{mode}b")
        except FileExistsError as error:
            raise NotWritten(f"{path} is there already; --force overwrites it.") from error
        except OSError as error:
            raise self._fault(error) from error
        self._emptied = mode != "r+"

    def write(self, text: str | bytes) -> None:
        try:
            if not self._emptied:
                self._file.truncate(0)
                self._emptied = True
            self._file.write(text.encode() if isinstance(text, str) else text)
            self._file.flush()
        except OSError as error:
            raise self._fault(error) from error

    def flush(self) -> None:
        """Do nothing: every write is flushed."""

    def close(self) -> None:
        with suppress(OSError):  # every write was flushed, and its errors were reported
            self._file.close()
        if self._made and not self.written:
            self.path.unlink(missing_ok=True)

    def _fault(self, error: OSError) -> NotWritten:
        return NotWritten(f"{self.path} cannot be written: {error.strerror or error}.")


class _Standard:
    """Standard output, without control characters; on a terminal by whole lines, which a bar cannot spoil."""

    def __init__(self, out: TextIO) -> None:
        self.written = False
        self.is_terminal = out.isatty()
        self._out = out
        self._held = ""

    def write(self, text: str | bytes) -> None:
        if isinstance(text, bytes):
            self._put(text)
            return
        text = self._held + without_controls(text)
        end = text.rfind("\n") + 1 if self.is_terminal else len(text)
        self._held = text[end:]
        self._put(text[:end])

    def flush(self) -> None:
        """Write the last line."""
        self._put(self._held)
        self._held = ""

    def _put(self, text: str | bytes) -> None:
        try:
            if isinstance(text, str):
                self._out.write(text)
            else:
                self._out.buffer.write(text)
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise NotWritten(f"Standard output cannot be written: {error.strerror or error}.") from error

    def close(self) -> None:
        """Do nothing: standard output stays open."""
