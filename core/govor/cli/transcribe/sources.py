"""The two engines of `govor transcribe`: a model in this process, or a running server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from govor.audio.chunking import NO_DETECTION
from govor.cli.client.events import EndEvent, SegmentEvent, TaskEvent
from govor.cli.client.server_client import Refused, Remote, unreadable
from govor.cli.terminal.say import say
from govor.cli.transcribe.ignored import cannot_honour, ignored_names
from govor.contract.recognizers import Options
from govor.contract.results import Notice, Segment, Transcript
from govor.contract.texts.processing import TextOptions
from govor.decoder.wire import TrackSelection
from govor.engine.service import Service
from govor.engine.speakers.diarization import Diarize
from govor.engine.transcription.options import honour
from govor.engine.transcription.request import TranscriptionRequest
from govor.formats.transcript import assemble
from govor.requests.channels import ChannelFields, find_diarizer, separate_channels
from govor.requests.speakers import can_count
from govor.settings.model import ModelSettings

Show: TypeAlias = Callable[[int, int], None]
FIRST = ": finding the speakers"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request for every recording of a command."""

    model: str
    options: Options
    diarize: bool
    people: tuple[int, int | None]
    """Least and greatest number of speakers; None: any number."""
    channels: ChannelFields
    """How channels are transcribed."""
    track: str
    """Number, title or language of the audio track; "": chosen automatically."""
    vad: bool
    text: TextOptions
    unasked: frozenset[str]
    """Options that a format needs, but the user did not ask for."""


class RunningTranscription(Protocol):
    """A running transcription: iterate it once for its segments."""

    @property
    def seconds_done(self) -> float: ...

    @property
    def seconds_stated(self) -> float | None: ...

    def __aiter__(self) -> AsyncGenerator[Segment, None]: ...

    def result(self) -> Transcript:
        """Return the transcript of all segments so far."""
        ...


class Source(Protocol):
    """Transcribes recordings, one after another."""

    title: str
    """Title of the progress bar during `open`."""

    first: str
    """Added to the bar's title until the first segment of each recording, with a colon; "": nothing."""

    async def open(self, show: Show) -> None:
        """Prepare for the first recording; `show` is called with the amount done and the total."""
        ...

    async def close(self) -> None:
        """Free all resources."""
        ...

    def transcribe(self, path: Path, name: str) -> AbstractAsyncContextManager[RunningTranscription]:
        """Begin to transcribe a recording."""
        ...


class LocalSource:
    """A model in this process."""

    def __init__(self, service: Service, wanted: Wanted, threads: int | None):
        """Choose the model. Raises ModelNotFound, ModelNotInstalled, UnsupportedOperation."""
        self._service = service
        self._wanted = wanted
        self._model = model = service.router.choose(wanted.model)
        self._complained: set[str] = set()
        if not self._chooses_by_language:
            kept, beyond = honour(wanted.options, model.spec)
            missing = (*beyond, *service.texts.missing(wanted.text, kept, model.spec))
            self._complain(model.id, [name for name in missing if name not in wanted.unasked])
        self._apart = separate_channels(service.settings, wanted.channels)
        diarizer = find_diarizer(service, self._apart) if wanted.diarize else None
        self._diarize = Diarize(diarizer, (), *wanted.people) if diarizer else None
        if threads is not None:
            self._limit(threads)
        self.title = f"Loading {model.id}"
        self.first = FIRST if self._diarize and not self._apart else ""

    async def open(self, show: Show) -> None:
        """Load the model; the first time, its files are installed and verified.

        If each recording's language decides on the model, it is loaded once the language is known.
        """
        if not self._chooses_by_language:
            async with self._service.pool.lease(self._model, show):
                pass
        asked = self._diarize
        if asked and (asked.least or asked.most) and not await can_count(self._service, asked.model):
            self._complain(asked.model.id, ("speakers",))

    async def close(self) -> None:
        await self._service.close()

    @asynccontextmanager
    async def transcribe(self, path: Path, name: str) -> AsyncIterator[RunningTranscription]:
        """Begin to transcribe a recording, with the model that HTTP would choose for it."""
        wanted = self._wanted
        request = TranscriptionRequest(
            path,
            wanted.model,
            wanted.options,
            rules=None if wanted.vad else NO_DETECTION,
            text=wanted.text,
            diarize=self._diarize,
            apart=self._apart,
            selection=TrackSelection(track=wanted.track),
            unasked=wanted.unasked,
        )
        async with self._service.prepare(request) as ready:
            self._complain(ready.work.model.id, ready.missing)
            async with self._service.transcribe(ready.work) as transcription:
                yield transcription

    @property
    def _chooses_by_language(self) -> bool:
        router = self._service.router
        return router.means_auto(self._wanted.model) and router.has_routes

    def _complain(self, model: str, names: Sequence[str]) -> None:
        """Print the options that a model cannot honour, once per model and options."""
        message = cannot_honour(f"'{model}'", names)
        if names and message not in self._complained:
            self._complained.add(message)
            say(message, err=True)

    def _limit(self, threads: int) -> None:
        """Set the number of threads of every model that may be chosen."""
        settings, usable = self._service.settings, self._service.router.usable()
        models = dict(settings.models)
        for name in {model.id for model in (self._model, *usable)}:
            models[name] = models.get(name, ModelSettings()).model_copy(update={"threads": threads})
        self._service.pool.load_settings.change(settings.model_copy(update={"models": models}))


class ServerSource:
    """A running Govor server, which sends segments as events."""

    def __init__(self, remote: Remote, wanted: Wanted):
        self._remote = remote
        self._wanted = wanted
        self._reported = False
        self.title = f"Asking {remote.url}"
        self.first = FIRST if wanted.diarize and wanted.channels.channels != "separate" else ""

    async def open(self, show: Show) -> None:
        """Do nothing: the first request is that of the first recording."""

    async def close(self) -> None:
        """Do nothing: no connection is held between recordings."""

    @asynccontextmanager
    async def transcribe(self, path: Path, name: str) -> AsyncIterator[RunningTranscription]:
        """Send the recording. Raises Refused."""
        wanted = self._wanted
        with path.open("rb") as file:
            asked = self._remote.upload(route(wanted), fields(wanted), (name, file), {"stream": "true"})
            async with asked as response:
                self._report_ignored(response.headers.get("x-govor-ignored", ""))
                yield Streamed(response.aiter_lines(), wanted.options, response.headers, self._remote.url)

    def _report_ignored(self, ignored: str) -> None:
        names = ignored_names(ignored, self._wanted.unasked)
        if names and not self._reported:
            say(cannot_honour("the server's model", names), err=True)
            self._reported = True


def route(wanted: Wanted) -> str:
    """Return the path of the request's route."""
    return f"/v1/audio/{'translations' if wanted.options.task == 'translate' else 'transcriptions'}"


def fields(wanted: Wanted) -> dict[str, Any]:
    """Return the form of a request, without the recording."""
    options, (least, most) = wanted.options, wanted.people
    flags = {"diarize": wanted.diarize, "punctuation": wanted.text.punctuation, "itn": wanted.text.itn}
    form: dict[str, Any] = {
        "response_format": "verbose_json",
        "model": wanted.model,
        "language": options.language or "",
        "prompt": options.prompt,
        "keywords[]": list(options.keywords),
        "timestamp_granularities[]": ["segment", "word"] if options.words else ["segment"],
        **{name: "true" for name, asked in flags.items() if asked},
        **({"num_speakers": str(most)} if most == least else {}),
        **({"min_speakers": str(least or ""), "max_speakers": str(most or "")} if most != least else {}),
        "track": wanted.track,
        "channels": wanted.channels.channels,
        "channel_names[]": list(wanted.channels.channel_names),
        "vad": "" if wanted.vad else "false",
    }
    return {name: value for name, value in form.items() if value}


class Streamed:
    """The transcription of one recording, read from a stream of events."""

    def __init__(self, lines: AsyncIterator[str], options: Options, headers: Any, url: str):
        self._lines, self._options, self._url = lines, options, url
        self._model = headers.get("x-govor-model", "")
        self._streams = headers.get("content-type", "").startswith("text/event-stream")
        self._segments: list[Segment] = []
        self._notices: tuple[Notice, ...] = ()
        self.seconds_stated: float | None = None

    @property
    def seconds_done(self) -> float:
        return max((segment.end or 0.0 for segment in self._segments[-1:]), default=0.0)

    async def __aiter__(self) -> AsyncGenerator[Segment, None]:
        """Yield the segments. Raises Refused, also if the stream ends too early."""
        if not self._streams:
            raise Refused(f"{self._url} is no Govor server: it does not send segments as they come.")
        event = ""
        async for line in self._lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            if event == "ok" and not line:
                return
            if name != "data":
                continue
            try:
                segment = self._read(event, value)
            except (ValueError, LookupError, TypeError) as error:
                raise Refused(unreadable(self._url)) from error
            if segment is not None:
                self._segments.append(segment)
                yield segment
        raise Refused("The server ended its stream before the text was whole.")

    def result(self) -> Transcript:
        duration = max(self.seconds_stated or 0.0, self.seconds_done)
        return assemble(
            self._segments, self._options, duration=duration, model=self._model, notices=self._notices
        )

    def _read(self, event: str, data: str) -> Segment | None:
        """Return the segment of an event, if it has one. Raises Refused for an error event."""
        if event == "error":
            raise Refused(str(json.loads(data)["error"]["message"]))
        if event == "ok":
            self._notices = EndEvent.model_validate_json(data).warnings
        if event == "task":
            self.seconds_stated = TaskEvent.model_validate_json(data).duration
        return SegmentEvent.model_validate_json(data).segment() if event == "segment" else None
