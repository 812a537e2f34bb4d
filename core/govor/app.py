"""The Quart application: its routes, errors and limits, and how its parts start and stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from quart import Quart, Response

from govor.api.audio.detect import detect_routes
from govor.api.audio.diarization import diarization_routes
from govor.api.audio.embedding import embedding_routes
from govor.api.audio.jobs import job_routes
from govor.api.audio.speech_timestamps import speech_routes
from govor.api.audio.transcriptions import azure_routes, transcription_routes
from govor.api.body.early_answers import Bodies, body_limits
from govor.api.body.reading import Pace
from govor.api.body.uploads import current_spool, sweep_spool
from govor.api.dialects.gigastt import gigastt_routes, own_limits
from govor.api.dialects.localai_vad import vad_limits, voice_activity_routes
from govor.api.dialects.whisper_asr import asr_limits, whisper_asr_routes
from govor.api.dialects.whispercpp import whispercpp_routes
from govor.api.http.auth import guard
from govor.api.http.errors import handle_errors
from govor.api.http.pacing import StartPacing
from govor.api.http.paths import Paths
from govor.api.http.request_context import RequestContextMiddleware, annotate
from govor.api.http.request_tasks import HttpRequest, WebSocketRequest
from govor.api.models.catalogue import model_routes
from govor.api.models.memory import loaded_routes
from govor.api.models.pulls import pull_routes
from govor.api.models.storage import storage_routes
from govor.api.openapi.docs_page import docs_routes
from govor.api.openapi.document import document_api
from govor.api.request.results import MODEL_HEADER
from govor.api.status.health import probe_routes, status_routes
from govor.api.status.metrics import MetricsApp, metrics_routes
from govor.engine.plugin_server import ServiceTranscriber
from govor.engine.service import Service
from govor.jobs.service import JobService
from govor.observe.hub import ObserverHub
from govor.observe.metrics import Metrics

PARTS = "govor"
"""Key of an application's parts among its extensions."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of an application that the code that runs it needs too."""

    figures: Metrics | None
    jobs: JobService
    service: Service

    def metrics_app(self) -> MetricsApp | None:
        """Return the application for a separate metrics listener; None: there are no metrics."""
        return MetricsApp(self.figures, self.jobs, self.service) if self.figures else None


def parts_of(app: Quart) -> Parts:
    """Return an application's parts."""
    parts: Parts = app.extensions[PARTS]
    return parts


def create_app(service: Service) -> Quart:
    """Return the application of one service; it starts and closes the service."""
    settings = service.settings
    app = Quart("govor", static_folder=None)
    app.asgi_http_class, app.asgi_websocket_class = HttpRequest, WebSocketRequest
    app.config.update(
        # Quart's defaults would end answers over 60 s; `Bodies` limits request bodies.
        MAX_CONTENT_LENGTH=None,
        RESPONSE_TIMEOUT=None,
    )
    most = int(settings.max_upload_mb * 1e6)
    own = {**own_limits(settings.compat), **asr_limits(settings.compat), **vad_limits(most)}
    limits = body_limits(most, own)
    bodies = Bodies(app.asgi_app, limits, lambda: _pace(service), settings.spool_dir)
    watch, jobs = ObserverHub(service), JobService(service)
    app.url_map.merge_slashes = False  # Quart would redirect, in HTML, to a host chosen by the client
    paths = Paths(app.url_map)
    app.asgi_app = RequestContextMiddleware(StartPacing(bodies), service, watch, paths)  # type: ignore[method-assign, assignment]
    app.extensions[PARTS] = Parts(watch.figures, jobs, service)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    handle_errors(app, paths)
    guard(app, service)
    document_api(app, lambda: service.keys.asked or service.keys.separate_admin, service.formats)
    docs_routes(app)
    _add_routes(app, service, jobs, watch.figures if settings.metrics == "main" else None)

    @app.before_serving
    async def start() -> None:
        await asyncio.to_thread(sweep_spool, settings.spool_dir)
        service.start()
        jobs.start()
        await service.plugins.start(ServiceTranscriber(service))

    @app.after_serving
    async def close() -> None:
        await service.plugins.stop()
        await jobs.close()
        await service.close()
        await asyncio.to_thread(watch.close)

    @app.after_request
    async def note_model(response: Response) -> Response:
        if model := response.headers.get(MODEL_HEADER):
            annotate(model=model)
        return response

    @app.teardown_request
    async def discard_uploads(error: BaseException | None) -> None:
        current_spool().discard()

    return app


def _pace(service: Service) -> Pace:
    return Pace(service.settings.body_timeout, service.settings.body_min_rate)


def _add_routes(app: Quart, service: Service, jobs: JobService, figures: Metrics | None) -> None:
    """Add all routes; go-whisper's base is /api/v1, so the routes that it shares with /v1 are there too."""
    shared = (
        model_routes(service),
        pull_routes(service),
        probe_routes(service),
        speech_routes(service),
        diarization_routes(service),
    )
    for routes in (
        transcription_routes(service, jobs),
        transcription_routes(service, jobs, rich=True),
        azure_routes(service, jobs),
        job_routes(jobs, service),
        gigastt_routes(service),
        whispercpp_routes(service),
        whisper_asr_routes(service),
        detect_routes(service),
        embedding_routes(service),
        voice_activity_routes(service),
        loaded_routes(service),
        storage_routes(service),
        metrics_routes(figures, jobs),
        status_routes(service),
        *shared,
    ):
        app.register_blueprint(routes)
    for routes in shared:
        app.register_blueprint(routes, url_prefix="/api", name=f"api_{routes.name}")
