"""A server whose stream of segments is not as Govor sends it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from govor.cli.client.server_client import Refused, Remote
from govor.cli.models.inventory import OnServer
from govor.cli.transcribe.sources import Streamed
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Word
from support.clients.receivers import Received, receiving

STREAM = {"content-type": "text/event-stream", "x-govor-model": "fake"}

TASK = ("task", '{"duration": 2.5, "language": "ru"}')
SAID = ("segment", '{"text": "Да.", "start": 0, "end": 1, "words": [{"word": "Да.", "start": 0, "end": 1}]}')

UNREADABLE = {
    "no JSON": ("segment", "{"),
    "no object": ("segment", "3"),
    "no text": ("segment", '{"start": 0.0}'),
    "a text that is none": ("segment", '{"text": 5}'),
    "a time that is none": ("segment", '{"text": "a", "start": "soon"}'),
    "a word without times": ("segment", '{"text": "a", "words": [{"word": "a"}]}'),
    "a list": ("task", "[]"),
    "a duration that is none": ("task", '{"duration": "long"}'),
    "an error without a message": ("error", '{"error": "no"}'),
}


def written(*events: tuple[str, str]) -> list[str]:
    """The lines of a stream."""
    return [line for event, data in events for line in (f"event: {event}", f"data: {data}", "")]


def heard(*events: tuple[str, str]) -> tuple[list[Segment], Streamed]:
    """Read a stream to its end."""

    async def lines() -> AsyncIterator[str]:
        for line in written(*events):
            yield line

    async def read() -> list[Segment]:
        return [segment async for segment in streamed]

    streamed = Streamed(lines(), Options(), STREAM, "http://there")
    return asyncio.run(read()), streamed


def test_segments_come_out_of_their_events() -> None:
    segments, streamed = heard(TASK, SAID, ("ok", "{}"))
    assert segments == [Segment("Да.", 0.0, 1.0, words=(Word("Да.", 0.0, 1.0),))]
    assert (streamed.seconds_stated, streamed.result().duration, streamed.result().text) == (2.5, 2.5, "Да.")


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_event_that_cannot_be_read_is_one_sentence(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        heard(TASK, SAID, UNREADABLE[kind], ("ok", "{}"))
    assert str(refused.value) == (
        "http://there sent an event that cannot be read; see that it is a Govor server of this version."
    )


def test_after_an_event_that_cannot_be_read_the_next_recording_is_heard(shell: Any, samples: Path) -> None:
    streams = iter([written(TASK, ("segment", "{")), written(TASK, SAID, ("ok", "{}"))])

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        lines = next(streams)
        return 200, {"Content-Type": "text/event-stream"}, "\n".join([*lines, ""]).encode()

    for name in ("a.wav", "b.wav"):
        shutil.copy(samples / "ru_short.wav", shell.folder / name)
    with receiving(answer) as there:
        result = shell.run("transcribe", "a.wav", "b.wav", "--server", there.url)
    assert (result.returncode, result.stdout) == (1, "==> b.wav <==\nДа.\n")
    assert result.stderr.startswith(f"govor: a.wav: {there.url} sent an event that cannot be read")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "event", [("progress", "{"), ("progress", '{"status": "x"}'), ("ok", "3"), ("error", "{}")]
)
def test_a_pull_whose_event_cannot_be_read_is_one_sentence(event: tuple[str, str]) -> None:
    body = "\n".join([*written(event), ""]).encode()
    unreadable = pytest.raises(Refused, match="sent an event that cannot be read")
    with receiving(lambda _: (200, {"Content-Type": "text/event-stream"}, body)) as there, unreadable:
        OnServer(Remote(there.url)).pull("echo", lambda _: None)
