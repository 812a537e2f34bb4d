"""The ASGI extension for `Expect: 100-continue`."""

from __future__ import annotations

WAITS = "govor.waits"
"""ASGI extension: a function that tells whether the client still waits for a 100 before it sends its body.
The first `receive` sends the 100. A client that sends without it, or has the answer's head, no longer
waits.
"""
