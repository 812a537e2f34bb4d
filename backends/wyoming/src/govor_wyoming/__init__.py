"""Serve Govor's models to Home Assistant over the Wyoming protocol, beside the HTTP server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import govor
from govor_wyoming.settings import read_settings

GOVOR_CONTRACT = (1, 0)

__all__ = ["startup"]


@govor.hookimpl
def startup(
    transcriber: govor.Transcriber, settings: Mapping[str, Any]
) -> AbstractAsyncContextManager[object]:
    from govor_wyoming.server import listening  # for a server only: `govor plugins` needs nothing of it

    return listening(transcriber, read_settings(settings))
