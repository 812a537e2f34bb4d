"""Bodies on models, as the routes answer them and the terminal prints them. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from govor.api.models.compat_keys import compat_keys
from govor.api.models.schema import (
    Deleted,
    ErrorRate,
    FileBody,
    ModelBody,
    ProgressBody,
    Pruned,
    RegistryEntry,
    Storage,
    VariantBody,
    Verified,
)
from govor.contract.models import Feature, ModelKind, Variant
from govor.engine.library import Contents, Verification
from govor.engine.service import Service
from govor.models.catalogue import Model
from govor.models.download.progress import Transfer
from govor.models.files.removal import Removed
from govor.models.files.usage import Unused

Pipeline = Literal[
    "automatic-speech-recognition",
    "speaker-diarization",
    "voice-activity-detection",
    "text2text-generation",
]

PIPELINES: dict[ModelKind, Pipeline] = {
    ModelKind.TRANSCRIPTION: "automatic-speech-recognition",
    ModelKind.DIARIZATION: "speaker-diarization",
    ModelKind.VAD: "voice-activity-detection",
    ModelKind.TEXT: "text2text-generation",
}
"""Names of the kinds of models on the hub and in other servers."""

TASKS = {
    ModelKind.TRANSCRIPTION: "transcribe",
    ModelKind.DIARIZATION: "diarize",
    ModelKind.VAD: "vad",
    ModelKind.TEXT: "text",
}


def describe(service: Service, model: Model) -> ModelBody:
    """Return a model as the API shows it; the default model has the default aliases too."""
    (body,) = describe_all(service, [model])
    return body


def describe_all(service: Service, models: Iterable[Model]) -> list[ModelBody]:
    """Return models as the API shows them. The default one is looked up once: that reads folders."""
    default = service.router.default()
    return [_described(service, model, default) for model in models]


def _described(service: Service, model: Model, default: Model | None) -> ModelBody:
    aliases, state = list(model.aliases), service.state(model)
    if model is default:
        aliases += service.catalogue.default_aliases
    return ModelBody(
        id=model.id,
        created=service.store.installed_at(model),
        owned_by=model.plugin,
        backend=model.plugin,
        status=state,
        languages=list(model.spec.languages),
        features=sorted(model.spec.features),
        aliases=aliases,
        description=model.spec.description,
        reason=service.failure(model) if state == "failed" else None,
        path=model_path(service, model),
        variants=[_variant(variant) for variant in model.spec.variants],
        task=PIPELINES[model.kind],
        **_in_memory(service, model),
        **compat_keys(service, model),
    )


def _variant(variant: Variant) -> VariantBody:
    stated = all(file.size for file in variant.files)
    return VariantBody(
        precision=variant.precision,
        files=[file.name for file in variant.files],
        size=variant.size if stated else None,
        size_estimate=variant.size_estimate or None,
        memory_estimate=variant.memory or None,
    )


def _in_memory(service: Service, model: Model) -> dict[str, Any]:
    """Return the keys that a model has only while it is loaded."""
    loaded = service.pool.loaded(model)
    if loaded is None:
        return {}
    return {
        "device": loaded.runtime.device,
        "precision": loaded.runtime.precision,
        "loaded_at": loaded.since,
        "memory": loaded.memory,
    }


def register(service: Service, models: Sequence[Model]) -> list[RegistryEntry]:
    """Return models as the registry shows them."""
    bodies = describe_all(service, models)
    return [_registered(service, *pair) for pair in zip(models, bodies, strict=True)]


def _registered(service: Service, model: Model, body: ModelBody) -> RegistryEntry:
    transfer = service.downloads.transfer(model)
    return RegistryEntry(
        **body.model_dump(),
        state=body.status,
        size=service.store.size(model),
        size_estimate=model.spec.size_estimate or None,
        memory_estimate=model.spec.memory or None,
        tasks=tasks_of(model),
        licence=model.spec.licence,
        error_rates=[ErrorRate(set=name, wer=rate) for name, rate in model.spec.wer],
        progress=show_progress(transfer) if transfer else None,
    )


def model_path(service: Service, model: Model) -> str:
    """Return the model's folder: relative to the models folder, or the operator's path; "" if it has none."""
    folder = service.store.folder(model)
    if model.spec.folder:
        return str(folder)
    if not folder.is_dir() and service.store.in_place(model):
        return ""
    has_files = model.spec.files or model.spec.repository
    return folder.relative_to(service.store.root).as_posix() if has_files else ""


def show_progress(transfer: Transfer) -> ProgressBody:
    """Return the progress of a download, by file."""
    files = [FileBody(name=file.name, total=file.size, completed=file.done) for file in transfer.files]
    status = f"downloading {transfer.current}".rstrip()
    return ProgressBody(status=status, total=transfer.total, completed=transfer.done, files=files)


def tasks_of(model: Model) -> list[str]:
    """Return the tasks that a model can do."""
    if model.transcribes and Feature.TRANSLATE in model.spec.features:
        return ["transcribe", "translate"]
    return [TASKS[model.kind]]


def deleted_body(model: Model, removed: Removed) -> Deleted:
    """Return the answer to a deletion."""
    return Deleted(id=model.id, freed=removed.freed, note=removed.note)


def verified_body(report: Verification) -> Verified:
    """Return all files of a model with their states."""
    files = [asdict(file) for file in report.files]
    return Verified.model_validate({"id": report.model.id, "ok": report.ok, "files": files})


def storage_body(contents: Contents) -> Storage:
    """Return the contents of the models folder."""
    return Storage.model_validate(asdict(contents))


def pruned_body(gone: Iterable[Unused]) -> Pruned:
    """Return deleted files and folders, and their bytes."""
    removed = [asdict(item) for item in gone]
    return Pruned.model_validate({"freed": sum(item["size"] for item in removed), "removed": removed})
