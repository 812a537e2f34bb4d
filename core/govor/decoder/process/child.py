"""Decode recordings, one after another: from a descriptor to frames of samples in a socket."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from govor.decoder.process.confinement import ORDERS, Allowance, Limits, confine, data_bytes
from govor.decoder.process.decoding import Source
from govor.decoder.refusals import Refused
from govor.decoder.samples.mixing import SAMPLE_RATE
from govor.decoder.wire import (
    DONE,
    END,
    FRAME_BYTES,
    LAST,
    OPENED,
    PCM,
    REFUSED,
    UNCONFINED,
    TrackSelection,
    frame,
    receive,
)

PIECE_BYTES = SAMPLE_RATE // 2 * 2
"""Half a second of samples: the least size of a frame, except the last one."""

MOST_RECORDINGS = 100
"""After so many a fresh process takes over, so that effects of a file do not last."""

MOST_GROWTH = 32 << 20
"""Bytes by which a process may have grown before a fresh one takes over."""

TOO_MUCH_MEMORY = "Decoding the file takes more memory than a recording may take."


def work(orders: socket.socket, silent: int, limits: Limits) -> int:
    """Decode the recordings from `orders` until it is closed or a limit is reached; return the exit code."""
    try:
        orders = socket.socket(fileno=os.dup2(orders.detach(), ORDERS))
        confine(limits, silent)
        before = data_bytes() or 0
    except (OSError, ValueError):
        return UNCONFINED
    for number in count(1):
        _, descriptors, _, _ = socket.recv_fds(orders, 1, 2)
        if not descriptors:
            return 0
        recording, answer = descriptors
        with socket.socket(fileno=answer) as out:
            last = _answer(recording, out, Allowance(limits, os.fstat(recording).st_size))
            os.close(recording)
            is_last = number == MOST_RECORDINGS or (data_bytes() or 0) - before > MOST_GROWTH
            orders.sendall(LAST if is_last else DONE)  # before the server sees the answer's end
            with suppress(OSError):  # the reader has gone
                _send(out, *last)
        if is_last:
            break
    return 0


def _answer(recording: int, out: socket.socket, allowance: Allowance) -> tuple[bytes, bytes]:
    """Send the frames of a recording; return the last frame, which the caller sends."""
    try:
        selection = TrackSelection(**json.loads(receive(out)[1]))
        notices = _decode(recording, selection, out, allowance)
    except Refused as error:
        return REFUSED, _json({"message": str(error), "reason": error.reason})
    except MemoryError:
        return REFUSED, _json({"message": TOO_MUCH_MEMORY, "reason": "memory"})
    except OSError as error:  # the disk fails; or the reader has gone, then this is lost too
        return REFUSED, _json({"message": f"Reading failed: {error.strerror}.", "reason": "disk"})
    return END, _json({"notices": notices})


def _decode(
    recording: int, selection: TrackSelection, out: socket.socket, allowance: Allowance
) -> list[dict[str, Any]]:
    """Send the samples; return the notices of what was not decoded."""
    with Source(recording, selection) as source:
        pieces = source.pcm()
        waiting = [
            bytearray(row) for row in next(pieces, [b""] * source.rows)
        ]  # raises before the first frame is sent
        _send(out, OPENED, _json(source.facts))
        for piece in pieces:
            for row, samples in zip(waiting, piece, strict=True):
                row += samples
            if len(waiting[0]) >= PIECE_BYTES:
                allowance.extend(source.heard, source.filled)
                _send_samples(out, waiting)
                waiting = [bytearray() for _ in waiting]
        _send_samples(out, waiting)
        return source.notices


def _send_samples(out: socket.socket, rows: Sequence[bytearray]) -> None:
    """Send frames of a size that the server accepts: at a rate of 64 Hz a packet may hold minutes."""
    most = FRAME_BYTES // len(rows) // 2 * 2
    for start in range(0, len(rows[0]), most):
        _send(out, PCM, b"".join(row[start : start + most] for row in rows))


def _send(out: socket.socket, kind: bytes, body: bytes | bytearray) -> None:
    out.sendall(frame(kind, body))


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
