"""One connection of HTTP/2 by prior knowledge, as slow and as irregular as a test needs it."""

from __future__ import annotations

import socket
from typing import Any

import h2.connection
import h2.events
import h2.settings

from support.processes.servers import form


class Connection:
    """A client with one stream at a time, with a window of its own."""

    def __init__(self, port: int, window: int = 65_535):
        """Of an answer, `window` bytes may come until `take` allows more."""
        self._frames = h2.connection.H2Connection()
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._frames.initiate_connection()
        self._frames.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self._send()
        self.stream = 0

    def post(self, path: str, content: bytes, **fields: str) -> None:
        """Send a form with a recording."""
        kind, body = form(content, fields)
        self.stream = self._frames.get_next_available_stream_id()
        names = {":method": "POST", ":path": path, ":scheme": "http", ":authority": "x", "content-type": kind}
        self._frames.send_headers(self.stream, list(names.items()))
        while body:
            room = min(
                self._frames.local_flow_control_window(self.stream), self._frames.max_outbound_frame_size
            )
            if not room:
                self.receive()
                continue
            self._frames.send_data(self.stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            self._send()

    def receive(self) -> list[Any]:
        """Wait for the next events; [] if the server has disconnected."""
        data = self._socket.recv(65_536)
        found = self._frames.receive_data(data) if data else []
        self._send()
        return found

    def begin(self) -> None:
        """Wait until the answer begins."""
        while not any(isinstance(event, h2.events.ResponseReceived) for event in self.receive()):
            pass

    def reset(self) -> None:
        """Reset the stream; the connection stays."""
        self._frames.reset_stream(self.stream)
        self._send()

    def close(self) -> None:
        self._socket.close()

    def _send(self) -> None:
        self._socket.sendall(self._frames.data_to_send())
