"""The parts of a running Govor, put together once: plugins, models, pool, voice detection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import replace

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import ANYTHING
from govor.contract.machine.cores import usable_cores
from govor.decoder.wire import TrackSelection
from govor.engine.admission.admission import Admission, AdmissionTicket, Kind, limits_of
from govor.engine.admission.in_flight import InFlight
from govor.engine.admission.interactive import InteractiveWork
from govor.engine.folders import Folders
from govor.engine.model_pool.load_settings import LoadSettingsTable
from govor.engine.model_pool.pool import Pool, State
from govor.engine.readiness import Check, DefaultAnswers, NotReady, first_obstacle
from govor.engine.scheduling.core_budget import CoreBudget
from govor.engine.scheduling.queue_timeout import QueueTimer
from govor.engine.sources.request_audio import RequestAudio, Source
from govor.engine.speakers.diarization import Diarization, Diarize, begin_diarization
from govor.engine.text.models import TextModels
from govor.engine.transcription.begin import begin
from govor.engine.transcription.model_choice import ModelSelector
from govor.engine.transcription.options import expect, likely_languages
from govor.engine.transcription.request import PreparedRequest, TranscriptionRequest, reduced
from govor.engine.transcription.stream import TranscriptStream
from govor.engine.transcription.work import Work
from govor.engine.voice_detection import VoiceDetectors
from govor.errors import GovorError
from govor.errors.values import did_you_mean
from govor.events import Observers, Report
from govor.formats.rendering.known_formats import Formats
from govor.models.catalogue import Catalogue, Model
from govor.models.files.downloads import Downloads
from govor.models.files.store import Store
from govor.models.selection.operator_models import declared_models, pulled_models
from govor.models.selection.requested_names import RequestedNames
from govor.models.selection.routing import Router
from govor.plugins import Plugins
from govor.settings import Settings
from govor.settings.keys import Keys
from govor.settings.reload import LIVE, differing

IO_THREADS = 64
"""Threads for reading and loading, which mostly wait. In asyncio's small default pool, slow reads would stop
the others."""

FETCHERS = 64
"""Recordings that are fetched at once, and host names that are looked up at once. A look-up occupies a thread
until the name server answers; further fetches are refused, so that no look-up waits for another."""

log = logging.getLogger(__name__)


class Service:
    """The parts of one process; `start` and `close` in the event loop that uses it."""

    def __init__(self, settings: Settings, plugins: Plugins | None = None):
        """Find the plugins. Raises ConfigurationError if a required plugin is not ready."""
        self.settings = settings
        self.languages = likely_languages(settings.languages)
        self.keys = Keys(settings)
        self.in_flight = InFlight()
        self.interactive = InteractiveWork()
        self.plugins = plugins or Plugins(settings)
        self.formats = Formats(self.plugins.formats())
        own = declared_models(settings.catalogue, self.plugins)
        pulled = pulled_models(settings.models_dir, self.plugins)
        self.catalogue = Catalogue(self.plugins, settings.aliases, [*pulled, *own], settings.models)
        self.store = Store(settings.models_dir, offline=settings.offline, timeout=settings.download_timeout)
        self.observers, self.asked = Observers(), RequestedNames()
        self.observers.add(self.asked)
        self.downloads = Downloads(self.store, self.observers)
        wanted = LoadSettingsTable.of_settings(settings)
        self.router = Router(
            self.catalogue,
            self.store,
            settings.default_models,
            settings.routing,
            may_fetch=lambda: wanted.may_fetch,
        )
        for name in wanted.unknown_names(list(self.catalogue)):
            log.warning("[models.%s] names a model that no plugin has", name)
        for alias, target in self.catalogue.lost_aliases():
            meant = did_you_mean(target, (model.id for model in self.catalogue))
            log.warning("The alias '%s' leads to '%s', which no plugin has%s", alias, target, meant)
        cores = CoreBudget(settings.cores or usable_cores())
        self.pool = Pool(
            self.store,
            wanted,
            settings.memory_budget,
            cores=cores,
            observer=self.observers,
            executors=self.plugins.executors(),
        )
        self.decoders = Decoders()
        self.detectors = VoiceDetectors(self.catalogue, self.pool, self.fetch_missing)
        self.texts = TextModels(self.catalogue, self.store, self.pool, self.fetch_missing)
        self.chooser = ModelSelector(self.router, self.pool, self.detectors.lease, lambda: self.languages)
        self.folders = Folders(settings, self.store, self._unloaded_default)
        self.jobs_trouble: Callable[[], str] = str
        """Returns why jobs do not run; "": they do."""
        self.admission = Admission(limits_of(settings, FETCHERS))
        self.lookups = ThreadPoolExecutor(FETCHERS, thread_name_prefix="govor-lookup")
        self.began = time.monotonic()
        self.transcribed = 0
        """Recordings transcribed since the start."""
        self.checks: list[Check] = [
            self._stopping,
            self._preloading,
            self._full,
            DefaultAnswers(self.chooser, self.pool, self.downloads),
            self.folders,
        ]
        """The checks of /ready, in order."""
        self._preload: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the decoder processes, and load in the background the models that the settings preload."""
        threads = ThreadPoolExecutor(IO_THREADS, thread_name_prefix="govor-io")
        asyncio.get_running_loop().set_default_executor(threads)
        self.decoders.start()
        self._preload = asyncio.create_task(self._load_preloaded(), name="preload")

    def not_ready(self) -> NotReady | None:
        """Return why a request without a `model` would not be answered now; None: it would be."""
        return first_obstacle(self.checks)

    def _stopping(self) -> NotReady | None:
        return NotReady("shutting_down", "The server is stopping.") if self.in_flight.draining else None

    def _full(self) -> NotReady | None:
        full = NotReady("server_busy", "All places of `max_queue` are taken.")
        return full if self.admission.full else None

    def _preloading(self) -> NotReady | None:
        loads = self._preload is not None and not self._preload.done()
        return NotReady("model_loading", "Models are being loaded.") if loads else None

    def _unloaded_default(self) -> Model | None:
        default = self.router.default()
        return None if default is None or self.pool.loaded(default) else default

    def change(self, wanted: Settings) -> tuple[list[str], list[str]]:
        """Apply changed settings; return the names of those applied, and of those that need a restart.

        Raises ConfigurationError; then nothing has changed.
        """
        names = differing(self.settings, wanted)
        live = [name for name in names if name in LIVE]
        settings = self.settings.model_copy(update={name: getattr(wanted, name) for name in live})
        languages = likely_languages(settings.languages)
        self.keys.change(settings)
        self.languages = languages
        self.settings = settings
        self.catalogue.change(settings.aliases, settings.models)
        self.pool.load_settings.change(settings)
        self.router.change(settings.default_models, settings.routing)
        self.admission.limits = limits_of(settings, FETCHERS)
        return live, [name for name in names if name not in LIVE]

    async def close(self) -> None:
        """Stop the work and free the models."""
        if self._preload is not None:
            self._preload.cancel()
            await asyncio.gather(self._preload, return_exceptions=True)
        self.lookups.shutdown(wait=False, cancel_futures=True)
        await self.downloads.close()
        await self.pool.close()
        await asyncio.to_thread(self.decoders.close)

    @asynccontextmanager
    async def prepare(self, request: TranscriptionRequest) -> AsyncIterator[PreparedRequest]:
        """Admit a request, choose its model and reduce its options to those that the model can honour.

        A model that was chosen by language is held for the block, as is the ticket. Raises ModelNotFound,
        ModelNotInstalled, UnsupportedOperation, ServerBusy, RateLimited; for "auto" the error of the last
        candidate.
        """
        ticket = request.ticket
        longest = self.settings.max_audio_seconds if request.max_seconds is None else request.max_seconds
        source, apart = request.source, request.apart is not None
        audio = RequestAudio(source, self.decoders, request.selection, max_seconds=longest, apart=apart)
        with (
            closing(audio),
            self.admission.admit(request.client) if ticket is None else nullcontext(ticket) as ticket,
        ):
            async with self.chooser.choose(request.model, audio, request.options, ticket) as model:
                yield reduced(request, model, ticket, audio, self.texts, longest)

    @asynccontextmanager
    async def transcribe(self, work: Work) -> AsyncIterator[TranscriptStream]:
        """Begin a transcription. Errors of the recording or of the model are raised before any text.

        Raises ServerBusy or RateLimited if the limits do not admit it.
        """
        work = replace(work, options=expect(work.options, work.model.spec, self.languages))
        admitted = self.admission.admit(work.client, Kind.JOB if work.background else Kind.PLAIN)
        report = Report(work.model.id, work.options.task, work.background)
        try:
            with (
                admitted if work.ticket is None else nullcontext(work.ticket) as ticket,
                nullcontext() if work.background else self.interactive.one_more(),
            ):
                await self.fetch_missing(work.model)
                if work.diarize is not None:
                    await self.fetch_missing(work.diarize.model)
                async with (
                    self.detectors.lease() as detector,
                    self.texts.begin(work.text, work.options, work.model.spec) as texts,
                    begin(work, self.decoders, self.pool, detector, texts, ticket, report) as transcription,
                ):
                    yield transcription
                    self.transcribed += transcription.complete
        except Exception as error:
            report.outcome = error.code if isinstance(error, GovorError) else GovorError.code
            raise
        finally:
            report.ended = time.monotonic()
            self.observers.transcribed(report)

    @asynccontextmanager
    async def diarize(
        self, source: Source, asked: Diarize, ticket: AdmissionTicket, selection: TrackSelection = ANYTHING
    ) -> AsyncIterator[Diarization]:
        """Begin a diarization. Raises the errors of the recording or of a known speaker's reference."""
        await self.fetch_missing(asked.model)
        longest = self.settings.max_audio_seconds
        audio = RequestAudio(source, self.decoders, selection, max_seconds=longest)
        with closing(audio), self.interactive.one_more(), closing(QueueTimer(ticket)) as queue_timer:
            await audio.open()
            async with begin_diarization(audio, asked, self.pool, queue_timer) as diarization:
                audio.begin()
                ticket.weigh(diarization.seconds_stated)
                yield diarization

    def state(self, model: Model) -> State:
        """Return the state of a model, on disk and in memory."""
        loaded = self.pool.state(model)
        if loaded == "available":
            if self.downloads.transfer(model) is not None:
                return "downloading"
            if self.downloads.failure(model):
                return "failed"
        return loaded

    def failure(self, model: Model) -> str | None:
        """Return why the model's last load, or else its last download, failed; None: neither failed."""
        return (
            (self.pool.failure(model) or self.downloads.failure(model))
            if self.state(model) == "failed"
            else None
        )

    async def fetch_missing(self, model: Model) -> None:
        """Fetch the files of a model if `auto_pull` is set and they are missing. Raises DownloadFailed."""
        if self.pool.load_settings.may_fetch and self.store.state(model) == "available":
            await self.downloads.fetch(model)

    async def _load_preloaded(self) -> None:
        async with self.detectors.lease():
            pass
        wished = [model.qualified for model in self.catalogue if self.pool.load_settings.preloads(model)]
        for name in (*self.settings.preload, *wished):
            try:
                model = self.router.installed(name)
                await self.fetch_missing(model)
                await self.pool.load(model)
            except GovorError as error:
                log.warning("'%s' is not preloaded: %s", name, error)
