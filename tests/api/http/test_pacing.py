"""A crowd begins a few at a time, and whoever asks for little passes by it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from govor.api.http.pacing import StartPacing

pytestmark = pytest.mark.anyio

CLIENTS = 9


class CountedTurns:
    """An application that notes in which turn of the event loop each request begins."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, int]] = []
        self.turn = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.turns.append((scope["method"], self.turn))

    async def count_turns(self) -> None:
        """Count the loop's turns until all have begun."""
        while True:
            self.turn += 1
            await asyncio.sleep(0)


async def nothing(*_: Any) -> Any: ...


def ask(door: StartPacing, method: str) -> asyncio.Task[None]:
    return asyncio.create_task(door({"type": "http", "method": method}, nothing, nothing))


async def test_of_a_crowd_two_begin_in_each_turn_in_the_order_of_their_coming() -> None:
    counted = CountedTurns()
    door = StartPacing(counted, at_once=2)
    counting = asyncio.create_task(counted.count_turns())
    await asyncio.gather(*(ask(door, f"POST {number}") for number in range(CLIENTS)))
    counting.cancel()
    turns = [turn for _, turn in counted.turns]
    assert [name for name, _ in counted.turns] == [f"POST {number}" for number in range(CLIENTS)]
    assert [turns.count(turn) for turn in sorted(set(turns))] == [2, 2, 2, 2, 1]
    assert max(turns) - min(turns) == 4


async def test_a_probe_does_not_wait_for_the_crowd() -> None:
    counted = CountedTurns()
    door = StartPacing(counted, at_once=2)
    crowd = [ask(door, "POST") for _ in range(CLIENTS)]
    await asyncio.gather(ask(door, "GET"), *crowd)
    assert counted.turns[0][0] == "GET"


async def test_who_leaves_before_the_turn_comes_keeps_nobody_waiting() -> None:
    counted = CountedTurns()
    door = StartPacing(counted, at_once=1)
    crowd = [ask(door, f"POST {number}") for number in range(3)]
    await asyncio.sleep(0)
    crowd[0].cancel()
    crowd[1].cancel()
    await asyncio.wait(crowd)
    assert [name for name, _ in counted.turns] == ["POST 2"]
    await ask(door, "POST 3")
    assert counted.turns[-1][0] == "POST 3"
