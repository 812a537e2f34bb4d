"""The models that terminal commands manage: those on this machine's disk, or those of a running server.

Both return the bodies of the server's routes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from govor.api.models.bodies import deleted_body, pruned_body, register, storage_body, verified_body
from govor.cli.client.server_client import Refused, Remote, model_path, unreadable
from govor.cli.terminal.options import read_settings, show_log
from govor.engine import library
from govor.engine.service import Service
from govor.models.download.progress import FileProgress, Transfer
from govor.models.files.verify import find_damage

LOOK_SECONDS = 0.1
"""Seconds between two updates of a download's progress."""

Body = dict[str, Any]
Show = Callable[[list[FileProgress]], None]
"""Called with the progress of each file of a download."""


class Inventory(Protocol):
    """Commands for models. Every method raises GovorError, whose message is printed."""

    def registry(self) -> list[Body]:
        """Return every known model."""
        ...

    def pull(self, name: str, show: Show) -> Body:
        """Fetch a model; return it, with its folder in `where`."""
        ...

    def remove(self, name: str, *, force: bool) -> Body:
        """Delete a model's files."""
        ...

    def verify(self, name: str) -> Body:
        """Hash a model's files."""
        ...

    def storage(self) -> Body:
        """Return the space that models take on the disk."""
        ...

    def prune(self) -> Body:
        """Delete files that no model needs."""
        ...


def open_inventory(config: Path | None, server: str | None, api_key: str | None, options: Body) -> Inventory:
    """Return the inventory of the server if one is named, else that of the disk."""
    show_log("warning")
    if server:
        return OnServer(Remote(server, api_key))
    return OnDisk(Service(read_settings(config, options)))


class OnDisk:
    """This machine's models folder."""

    def __init__(self, service: Service):
        self._service = service

    def registry(self) -> list[Body]:
        return [body.model_dump() for body in register(self._service, list(self._service.catalogue))]

    def pull(self, name: str, show: Show) -> Body:
        service = self._service
        model = library.wanted_model(service, name)
        library.check_download(service, model)
        if service.store.state(model) == "installed":
            find_damage(service.store, model)  # what is damaged is fetched again
        transfer = Transfer()
        with _shown(transfer, show):
            folder = service.store.install(model, transfer=transfer)
        has_files = model.spec.files or model.spec.repository
        (body,) = register(service, [model])
        return {**body.model_dump(), "where": str(folder) if has_files else ""}

    def remove(self, name: str, *, force: bool) -> Body:
        model = self._service.router.require(name)
        removed = asyncio.run(library.remove(self._service, model, force=force))
        return deleted_body(model, removed).model_dump()

    def verify(self, name: str) -> Body:
        return verified_body(library.verify(self._service, name)).model_dump()

    def storage(self) -> Body:
        return storage_body(library.look_at(self._service)).model_dump()

    def prune(self) -> Body:
        return pruned_body(library.prune(self._service)).model_dump()


class OnServer:
    """A running server's models."""

    def __init__(self, remote: Remote):
        self._remote = remote

    def registry(self) -> list[Body]:
        return list(self._remote.get("/v1/registry")["data"])

    def pull(self, name: str, show: Show) -> Body:
        for event, data in self._remote.events("/v1/models", {"model": name}, {"stream": "true"}):
            try:
                found = self._read(event, data)
            except (ValueError, LookupError, TypeError) as error:
                raise Refused(unreadable(self._remote.url)) from error
            if isinstance(found, FileProgress):
                show([found])
            elif found is not None:
                return found
        raise Refused("The server ended the stream before the model was there.")

    def _read(self, event: str, data: Any) -> FileProgress | Body | None:
        """Return the progress or the result in an event; None: it has neither. Raises Refused for errors."""
        if event == "error":
            raise Refused(data if isinstance(data, str) else str(data["error"]["message"]))
        if event == "progress":
            file = str(data["status"]).removeprefix("downloading ")
            return FileProgress(file, int(data["total"]), int(data["completed"]))
        if event == "ok":
            return {**data, "where": f"{data['path']} of {self._remote.url}" if data["path"] else ""}
        return None

    def remove(self, name: str, *, force: bool) -> Body:
        return dict(self._remote.delete(model_path(name), {"force": "true"} if force else None))

    def verify(self, name: str) -> Body:
        return dict(self._remote.post(model_path(name, "verify")))

    def storage(self) -> Body:
        return dict(self._remote.get("/v1/storage"))

    def prune(self) -> Body:
        return dict(self._remote.post("/v1/storage/prune"))


@contextmanager
def _shown(transfer: Transfer, show: Show) -> Iterator[None]:
    """Show the progress of a transfer, from a thread of its own, until the block ends."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            show(transfer.files)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    except KeyboardInterrupt:
        transfer.cancel()
        raise
    finally:
        ended.set()
        thread.join()
        show(transfer.files)
