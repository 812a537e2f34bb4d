"""The Hugging Face hub: facts about files, lists of repositories, and the cache that tools share.

huggingface_hub, its client, provides the facts and keeps the tokens. Govor fetches the bytes itself, because
that client (2.4) restarts a file if it was killed. Honours HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and HF_TOKEN.
Nothing is verified here.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from govor.models.download.http_download import AGAIN, PAUSES_SECONDS, SourceAbsent, one_line
from govor.models.download.progress import Transfer
from govor.names import is_blob, is_commit, is_model_file, is_name, is_repository, is_sha256

T = TypeVar("T")

TIMEOUT_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository at a revision."""

    repository: str
    revision: str
    name: str
    commit: str = ""
    etag: str = ""
    url: str = ""
    size: int = 0
    cached: Path | None = None
    """Path in the cache, if another tool or an earlier model has fetched it."""

    @property
    def sha256(self) -> str:
        """The hub's checksum; it states one for large files only."""
        name = self.etag or (self.cached.name if self.cached else "")
        return name if is_sha256(name) else ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file in a repository's list."""

    name: str
    size: int
    sha256: str


def parse_repository(text: str) -> tuple[str, str]:
    """Return (OWNER/REPO, revision) of `OWNER/REPO[@REVISION]`. Raises ValueError."""
    repository, at, revision = text.partition("@")
    if not is_repository(repository) or (at and not is_revision(revision)):
        raise ValueError(f"'{text}' is not written OWNER/REPO or OWNER/REPO@REVISION")
    return repository, revision or "main"


def is_revision(text: str) -> bool:
    """Tell whether this can be a branch, a tag or a commit; one that contains a slash is not accepted."""
    return is_name(text) and not re.search(r"\s", text)


def locate_on_hub(source: str, transfer: Transfer, *, offline: bool, fresh: bool = False) -> HubFile:
    """Find `hf:OWNER/REPO@REVISION/PATH`: in the cache, else on the hub. Raises SourceAbsent."""
    match = re.fullmatch(r"hf:([^@]+)@([^/]+)/(.+)", source)
    if not match or not is_repository(match[1]) or not is_revision(match[2]) or not is_model_file(match[3]):
        raise SourceAbsent("it is not written hf:OWNER/REPO@REVISION/PATH")
    file = HubFile(match[1], match[2], match[3])
    pinned = is_commit(file.revision)
    if not fresh and (pinned or offline) and (cached := _cached(file)):
        return cached
    if offline:
        raise SourceAbsent("not asked, as `offline` is set")
    try:
        return _ask(file, transfer)
    except SourceAbsent:
        if not fresh and not pinned and (cached := _cached(file)):
            return cached  # the hub cannot be reached, and another tool fetched it before
        raise


def hub_headers() -> dict[str, str]:
    """Return the headers of a request for a file: they contain the token of the hub's client."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # in its docs

    return dict(build_hf_headers(library_name="govor"))


def list_repository(repository: str, revision: str, transfer: Transfer) -> tuple[str, list[Listed]]:
    """Return the commit that a revision means now, and the repository's files. Raises SourceAbsent."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=_endpoint())

    def ask() -> tuple[str, list[Listed]]:
        found = api.model_info(repository, revision=revision, timeout=TIMEOUT_SECONDS, files_metadata=True)
        commit = found.sha or revision
        if not is_revision(commit):
            raise SourceAbsent("the hub names a commit that is none")
        files = found.siblings or ()
        return commit, [Listed(file.rfilename, _size(file.size), _lfs_sha256(file.lfs)) for file in files]

    return _patiently(ask, transfer)


def share(file: HubFile, path: Path) -> None:
    """Link a verified file into the hub's cache, for other tools; never a second copy.

    Names in the cache come from the hub's answer. If they are no commit and no hash, nothing is shared.
    """
    from huggingface_hub import constants

    named = is_repository(file.repository) and is_revision(file.revision) and is_model_file(file.name)
    if not (named and is_commit(file.commit) and is_blob(file.etag)):
        log.info("The hub's cache does not get %s: the hub states no commit and hash of it", file.name)
        return
    # the layout of the cache is in the hub's documentation, "Understand caching"
    folder = Path(constants.HF_HUB_CACHE) / f"models--{file.repository.replace('/', '--')}"
    blob = folder / "blobs" / file.etag
    pointer = folder / "snapshots" / file.commit / file.name
    try:
        for place in (blob, pointer):
            place.parent.mkdir(parents=True, exist_ok=True)
        spare = blob.with_name(f"{blob.name}.{os.getpid()}.govor")
        os.link(path, spare)
        spare.replace(blob)
        spare.unlink(missing_ok=True)  # renaming onto another name of the same file does nothing
        if not pointer.exists():
            with suppress(FileExistsError):
                pointer.symlink_to(os.path.relpath(blob, pointer.parent))
        if file.revision != file.commit:
            ref = folder / "refs" / file.revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(file.commit)
    except OSError as error:
        log.info("The hub's cache does not get %s: %s", file.name, error)


def _cached(file: HubFile) -> HubFile | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(file.repository, file.name, revision=file.revision)
    if not isinstance(path, str):
        return None
    blob = Path(path).resolve()
    size = blob.stat().st_size if blob.is_file() else 0
    return HubFile(file.repository, file.revision, file.name, size=size, cached=blob) if size else None


def _ask(file: HubFile, transfer: Transfer) -> HubFile:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(file.repository, file.name, revision=file.revision, endpoint=_endpoint())
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise SourceAbsent("not in the hub's cache, and HF_HUB_OFFLINE is set")

    def ask() -> HubFile:
        found = get_hf_file_metadata(url, headers=hub_headers(), timeout=TIMEOUT_SECONDS)
        commit, etag, size = found.commit_hash or "", found.etag or "", _size(found.size)
        asked = HubFile(file.repository, file.revision, file.name, commit, etag, url, size)
        known = _cached(HubFile(file.repository, commit, file.name)) if is_commit(commit) else None
        same = known is not None and known.cached is not None and known.cached.name == etag
        return replace(asked, cached=known.cached) if known and same else asked

    return _patiently(ask, transfer)


def _patiently(ask: Callable[[], T], transfer: Transfer) -> T:
    """Ask the hub, with retries if they make sense. Raises SourceAbsent."""
    logging.getLogger("huggingface_hub").handlers.clear()  # its own handler logs everything a second time
    for pause in (*PAUSES_SECONDS[:2], None):
        transfer.check()
        try:
            return ask()
        except SourceAbsent:
            raise
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if pause is None or isinstance(error, ValueError) or (status is not None and status not in AGAIN):
                raise SourceAbsent(_advice(error, status)) from error
            transfer.wait(pause)
    raise AssertionError("not reached")


def _advice(error: Exception, status: int | None) -> str:
    """Return advice for an error of the hub, or for an answer that never came."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return (
            f"{status}: the repository is gated. Accept its terms on the hub, then set HF_TOKEN to a token "
            "of that account"
        )
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        return (
            f"{status}: there is no such repository, or it is private: then set HF_TOKEN to a token that "
            "may read it"
        )
    if status == 429:
        return "429: the hub asks for a later retry; with HF_TOKEN set it allows more"
    kinds = {kind.__name__ for kind in type(error).__mro__}  # the hub's client may use another httpx
    if status is None and kinds & {"OSError", "TransportError"}:
        return (
            f"the hub cannot be reached ({one_line(error)}). HF_ENDPOINT names a mirror of it; without a "
            "network, copy the models folder of a machine that has the model (`govor du` shows where it is)"
        )
    return one_line(error)


def _lfs_sha256(lfs: Mapping[str, object] | None) -> str:
    sha256 = str(lfs["sha256"]) if lfs else ""
    return sha256 if is_sha256(sha256) else ""


def _size(stated: object) -> int:
    """Return bytes as the hub states them; 0 if it states nonsense."""
    return stated if isinstance(stated, int) and stated > 0 else 0


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None
