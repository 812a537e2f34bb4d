"""Downloads in progress in this process: started by the first caller, joined by others, cancelled by any."""

from __future__ import annotations

import asyncio
from pathlib import Path

from govor.errors import DownloadCancelled, GovorError
from govor.events import Observer
from govor.models.catalogue import Model
from govor.models.download.progress import Transfer
from govor.models.files.removal import discard_parts
from govor.models.files.store import Store
from govor.unawaited import retrieve_failure


class Downloads:
    """All methods run in the event loop; threads transfer the bytes."""

    def __init__(self, store: Store, observer: Observer | None = None):
        self._store = store
        self._observer = observer or Observer()
        self._tasks: dict[str, asyncio.Task[Path]] = {}
        self._transfers: dict[str, Transfer] = {}
        self._failures: dict[str, str] = {}

    def transfer(self, model: Model) -> Transfer | None:
        """Return the progress of the model's download; None if there is no download."""
        return self._transfers.get(model.qualified)

    @property
    def under_way(self) -> int:
        """Number of models that are being downloaded."""
        return len(self._tasks)

    def failure(self, model: Model) -> str | None:
        """Return why the last attempt failed."""
        return self._failures.get(model.qualified)

    def begin(self, model: Model) -> asyncio.Task[Path]:
        """Start the model's download, or join it. It goes on if the caller is cancelled."""
        key = model.qualified
        if key not in self._tasks:
            self._transfers[key] = transfer = Transfer()
            self._tasks[key] = asyncio.create_task(self._fetch(model, transfer), name=f"fetch {key}")
            self._tasks[key].add_done_callback(retrieve_failure)
        return self._tasks[key]

    async def fetch(self, model: Model) -> None:
        """Download and install. Raises DownloadFailed, DownloadCancelled, InsufficientStorage."""
        await asyncio.shield(self.begin(model))

    async def cancel(self, model: Model) -> bool:
        """Cancel the model's download and delete its partial files; tell whether there was one."""
        task, transfer = self._tasks.get(model.qualified), self.transfer(model)
        if task is None or transfer is None:
            return False
        transfer.cancel()
        await asyncio.wait({task})
        await asyncio.to_thread(discard_parts, self._store, model)
        return True

    async def close(self) -> None:
        """Stop all downloads; the next attempt resumes them."""
        for transfer in self._transfers.values():
            transfer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def _fetch(self, model: Model, transfer: Transfer) -> Path:
        key = model.qualified
        self._failures.pop(key, None)
        outcome = "failed"
        try:
            path = await asyncio.to_thread(self._store.install, model, transfer=transfer)
            outcome = "completed"
            return path
        except GovorError as error:
            outcome = "cancelled" if isinstance(error, DownloadCancelled) else error.code
            if not isinstance(error, DownloadCancelled):
                self._failures[key] = str(error)
            raise
        finally:
            del self._tasks[key], self._transfers[key]
            self._observer.fetched(model.id, outcome)
