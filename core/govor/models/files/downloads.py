"""Downloads under way in this process: begun by whoever asks first, joined by others, called off by any."""

from __future__ import annotations

import asyncio
from pathlib import Path

from govor.errors import DownloadCancelled, GovorError
from govor.events import Observer
from govor.models.catalogue import Model
from govor.models.download.progress import Transfer
from govor.models.files.removal import discard_parts
from govor.models.files.store import Store


class Downloads:
    """All methods run in the event loop; the bytes move in threads."""

    def __init__(self, store: Store, observer: Observer | None = None):
        self._store = store
        self._observer = observer or Observer()
        self._tasks: dict[str, asyncio.Task[Path]] = {}
        self._transfers: dict[str, Transfer] = {}
        self._failures: dict[str, str] = {}

    def transfer(self, model: Model) -> Transfer | None:
        """How far the model has come; None where it is not being fetched."""
        return self._transfers.get(model.qualified)

    @property
    def under_way(self) -> int:
        """How many models are being fetched."""
        return len(self._tasks)

    def failure(self, model: Model) -> str | None:
        """Why the last attempt failed."""
        return self._failures.get(model.qualified)

    def begin(self, model: Model) -> asyncio.Task[Path]:
        """Begin to fetch the model's files, or join whoever does. Goes on when the caller leaves."""
        key = model.qualified
        if key not in self._tasks:
            self._transfers[key] = transfer = Transfer()
            self._tasks[key] = asyncio.create_task(self._fetch(model, transfer), name=f"fetch {key}")
            self._tasks[key].add_done_callback(_seen)
        return self._tasks[key]

    async def fetch(self, model: Model) -> None:
        """Return when the files are here. Raises DownloadFailed, DownloadCancelled, InsufficientStorage."""
        await asyncio.shield(self.begin(model))

    async def cancel(self, model: Model) -> bool:
        """Call the model's download off and throw away what it brought; tell whether there was one."""
        task, transfer = self._tasks.get(model.qualified), self.transfer(model)
        if task is None or transfer is None:
            return False
        transfer.cancel()
        await asyncio.wait({task})
        await asyncio.to_thread(discard_parts, self._store, model)
        return True

    async def close(self) -> None:
        """Stop all of them; the next attempt goes on where they were."""
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


def _seen(task: asyncio.Task[Path]) -> None:
    """Take note of a failure that nobody waits for: the registry has it."""
    if not task.cancelled():
        task.exception()
