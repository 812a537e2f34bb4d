"""A misbehaving client, which runs until it is ended: `python rude.py PORT ADDRESS SECONDS`.

ADDRESS is the loopback address that it calls from, so that the server can distinguish it from others.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import h2.connection
import h2.errors

from support.processes.servers import form
from support.sound.fuzzing import damaged, sound_files

PATHS = ("/v1/audio/transcriptions", "/inference", "/v1/transcribe", "/v1/audio/speech/timestamps")


class Rude:
    """Several kinds of misbehaviour, each in a thread of its own."""

    def __init__(self, port: int, address: str, until: float):
        self._port, self._address, self._until = port, address, until
        self._files = sound_files()
        self.count: dict[str, int] = {}

    def run(self) -> None:
        """Run all kinds at once."""
        ways: list[Callable[[random.Random], None]] = [
            self.send_damaged_files,
            self.send_damaged_files,
            self.stall_uploads,
            self.stall_heads,
            self.open_and_close,
            self.send_heavy_forms,
            self.reset_streams,
            self.send_nonsense,
            self.leave_early,
            self.call_by_foreign_names,
            self.flood_jobs,
        ]
        threads = [threading.Thread(target=self._repeat, args=[way, seed]) for seed, way in enumerate(ways)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, way: Callable[[random.Random], None], seed: int) -> None:
        dice = random.Random(seed)
        while time.monotonic() < self._until:
            with suppress(OSError, h2.exceptions.ProtocolError):
                way(dice)
            self.count[way.__name__] = self.count.get(way.__name__, 0) + 1

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), 20, (self._address, 0))

    def _ask(self, head: str, body: bytes = b"") -> bytes:
        with self._connect() as connection:
            connection.sendall(head.encode("latin-1") + body)
            return connection.recv(65_536)

    def _post(self, path: str, content: bytes, headers: str = "", **fields: str) -> bytes:
        kind, body = form(content, fields)
        lines = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        return self._ask(f"{lines}{headers}Connection: close\r\n\r\n", body)

    def send_damaged_files(self, dice: random.Random) -> None:
        self._post(dice.choice(PATHS), damaged(self._files, dice.randrange(1 << 40)), model="echo")

    def stall_uploads(self, dice: random.Random) -> None:
        """Begin uploads and abandon them, some without closing the connection."""
        held = []
        for _ in range(20):
            connection = self._connect()
            head = f"POST {PATHS[0]} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            connection.sendall(f"{head}Content-Length: 1000000\r\n\r\n--x\r\nContent-Disp".encode())
            held.append(connection)
        time.sleep(dice.uniform(1, 8))
        for connection in held:
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", dice.randrange(2), 0)
            )
            connection.close()

    def stall_heads(self, dice: random.Random) -> None:
        held = [self._connect() for _ in range(40)]
        for connection in held:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHo")
        time.sleep(dice.uniform(1, 5))
        for connection in held:
            connection.close()

    def open_and_close(self, dice: random.Random) -> None:
        for _ in range(50):
            self._connect().close()
        time.sleep(0.2)

    def send_heavy_forms(self, dice: random.Random) -> None:
        field = dice.choice(("languages", "model", "chunking_strategy", "prompt", "response_format", "x"))
        value = dice.choice(
            ("ß" * 3_000_000, "en," * 1_000_000, '{"' + '":1,"'.join(map(str, range(200_000))))
        )
        self._post(PATHS[0], b"RIFF", **{field: value})

    def reset_streams(self, dice: random.Random) -> None:
        frames = h2.connection.H2Connection()
        frames.initiate_connection()
        with self._connect() as connection:
            connection.sendall(frames.data_to_send())
            for _ in range(2000):
                stream = frames.get_next_available_stream_id()
                names = {":method": "GET", ":path": "/v1/models", ":scheme": "http", ":authority": "x"}
                frames.send_headers(stream, list(names.items()), end_stream=True)
                frames.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                connection.sendall(frames.data_to_send())

    def send_nonsense(self, dice: random.Random) -> None:
        heads = (
            f"GET / HTTP/1.1\r\nHost: {'a' * 70}.example\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 200,
            "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        )
        self._ask(dice.choice(heads))

    def leave_early(self, dice: random.Random) -> None:
        """Send a whole recording, and disconnect before the answer."""
        kind, body = form(dice.choice(self._files), {"model": "echo", "stream": "true"})
        with self._connect() as connection:
            head = f"POST {PATHS[0]} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def call_by_foreign_names(self, dice: random.Random) -> None:
        path = dice.choice(("/v1/jobs", "/v1/models", "/api/ps"))
        self._ask(f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")

    def flood_jobs(self, dice: random.Random) -> None:
        self._post(PATHS[0], dice.choice(self._files), "Prefer: respond-async\r\n", model="echo")


if __name__ == "__main__":
    rude = Rude(int(sys.argv[1]), sys.argv[2], time.monotonic() + float(sys.argv[3]))
    rude.run()
    print(dict(sorted(rude.count.items())))
