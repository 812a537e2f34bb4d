"""What a connection lets the application know of `Expect: 100-continue`."""

from __future__ import annotations

WAITS = "govor.waits"
"""ASGI extension: a function that tells whether the client still waits to be asked for its body. The first
`receive` asks; a client that sends unasked, or has had the head of an answer, waits no more."""
