"""The door: who comes in, who is sent away, and when they are asked back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import ModelSpec
from govor.engine.admission.admission import FIRST_GUESS, LONGEST, SHORTEST, Admission, Kind, Limits
from govor.engine.transcription.work import Work
from govor.errors import GovorError, RateLimited, ServerBusy
from govor.testing import FakeRecognizer
from support.waiting import soon


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused(ask: Callable[[], Any], kind: type[GovorError] = ServerBusy) -> float:
    """Return the time to retry of a refusal."""
    with pytest.raises(kind) as caught:
        ask()
    assert caught.value.retry_after is not None
    return caught.value.retry_after


def test_as_many_come_in_as_there_are_places_and_the_next_when_one_leaves(clock: Clock) -> None:
    door = Admission(Limits(requests=2), clock)
    with door.admit():
        with door.admit():
            door_is_shut = refused(door.admit("").__enter__)
            assert door_is_shut == FIRST_GUESS
        with door.admit():
            assert door.inside == 2
    assert door.inside == 0


def test_without_limits_anybody_comes_in(clock: Clock) -> None:
    door = Admission(Limits(), clock)
    with ExitStack() as inside:
        for _ in range(1000):
            inside.enter_context(door.admit("one")).weigh(1e9)
        door.check("one")


def test_a_full_house_is_told_before_anything_is_uploaded(clock: Clock) -> None:
    door = Admission(Limits(requests=1), clock)
    with door.admit():
        refused(lambda: door.check(""))
    door.check("")


def test_one_client_cannot_take_all_places(clock: Clock) -> None:
    door = Admission(Limits(requests=9, per_client=2), clock)
    with door.admit("a"), door.admit("a"):
        refused(lambda: door.check("a"), RateLimited)
        with door.admit("b"):
            pass
    with door.admit("a"):
        assert door.inside == 1


def test_audio_is_counted_by_what_is_inside_and_one_alone_may_bring_any_length(clock: Clock) -> None:
    door = Admission(Limits(seconds=100), clock)
    with door.admit() as first:
        first.weigh(500)
        with door.admit() as second:
            refused(lambda: second.weigh(1))
            second.weigh(None)  # a length that nobody knows counts as nothing
    with door.admit() as first, door.admit() as second:
        first.weigh(50)
        second.weigh(50)


def test_what_has_waited_elsewhere_is_never_refused_and_keeps_nobody_out(clock: Clock) -> None:
    door = Admission(Limits(requests=1, seconds=10, wait=30), clock)
    with door.admit(kind=Kind.JOB) as job, door.admit(kind=Kind.JOB) as other:
        job.weigh(1000)
        other.weigh(1000)
        assert not door.full
        with door.admit() as client:
            client.weigh(10)
            assert (client.wait, job.wait, door.inside, door.full) == (30, 0, 3, True)
            refused(lambda: door.check(""))


def test_who_leaves_a_recording_for_later_is_counted_apart(clock: Clock) -> None:
    door = Admission(Limits(requests=2, per_client=1), clock)
    with door.admit("a", Kind.LATER), door.admit("b", Kind.LATER):
        refused(lambda: door.check("c", Kind.LATER))
        with door.admit("a"):
            refused(lambda: door.check("a"), RateLimited)
            door.check("b")
    with door.admit("a", Kind.LATER):
        refused(lambda: door.check("a", Kind.LATER), RateLimited)
    door.check("a", Kind.LATER)


def test_who_wants_to_be_answered_now_after_all_is_treated_like_the_others(clock: Clock) -> None:
    door = Admission(Limits(requests=1, wait=30), clock)
    with door.admit(kind=Kind.LATER) as place:
        with door.admit():
            refused(place.answer_now)
        place.answer_now()
        assert (place.kind, place.wait, door.full) == (Kind.PLAIN, 30, True)
    assert (door.inside, door.full) == (0, False)


def test_who_fetches_a_recording_holds_no_place_meanwhile(clock: Clock) -> None:
    door = Admission(Limits(requests=1, fetches=2), clock)
    with door.admit() as place:
        with place.fetching():
            assert (door.inside, door.full) == (0, False)
            with door.admit() as other, other.fetching(), door.admit() as third:
                refused(third.fetching().__enter__)
                assert door.inside == 1
        assert door.full
    assert door.inside == 0


def test_who_comes_back_with_a_fetched_recording_may_find_all_places_taken(clock: Clock) -> None:
    door = Admission(Limits(requests=1, fetches=2), clock)
    with ExitStack() as inside:
        with door.admit() as place:
            fetching = place.fetching()
            fetching.__enter__()
            inside.enter_context(door.admit())
            refused(lambda: fetching.__exit__(None, None, None))
        assert door.inside == 1
    assert door.inside == 0


def test_one_client_cannot_fetch_all_recordings(clock: Clock) -> None:
    door = Admission(Limits(fetches=9, per_client=1), clock)
    with door.admit("a") as place, place.fetching():
        with door.admit("a") as second:
            refused(second.fetching().__enter__, RateLimited)
        with door.admit("b") as other, other.fetching():
            pass


def test_a_fetch_that_fails_frees_its_room(clock: Clock) -> None:
    door = Admission(Limits(requests=1, fetches=1), clock)
    with pytest.raises(KeyError), door.admit() as place, place.fetching():
        raise KeyError
    with door.admit() as place, place.fetching():
        pass
    assert door.inside == 0


def test_one_who_fails_inside_leaves_no_place_taken(clock: Clock) -> None:
    door = Admission(Limits(requests=1, per_client=1), clock)
    with pytest.raises(KeyError), door.admit("a"):
        raise KeyError
    door.check("a")


def leave_every(seconds: float, door: Admission, clock: Clock, times: int = 5) -> None:
    for _ in range(times):
        with door.admit():
            clock.now += seconds


def test_who_is_refused_is_asked_back_after_the_pace_of_those_who_left(clock: Clock) -> None:
    door = Admission(Limits(requests=1), clock)
    leave_every(12, door, clock)
    clock.now += 10_000  # an empty house has no pace
    leave_every(20, door, clock, 5)
    with door.admit():
        assert refused(lambda: door.check("")) == pytest.approx(16)


def test_those_refused_together_are_asked_back_one_after_the_other(clock: Clock) -> None:
    door = Admission(Limits(requests=1), clock)
    leave_every(10, door, clock)
    with door.admit():
        asked = [refused(lambda: door.check("")) for _ in range(15)]
        assert asked == [min(10.0 * number, LONGEST) for number in range(1, 16)]
        clock.now += 1000
        assert refused(lambda: door.check("")) == 10


def test_nobody_is_asked_back_at_once(clock: Clock) -> None:
    door = Admission(Limits(requests=1), clock)
    leave_every(0.001, door, clock)
    with door.admit():
        assert refused(lambda: door.check("")) == SHORTEST


async def test_a_service_counts_who_is_under_way(service: Any, spoken: Callable[..., Path]) -> None:
    model, path = FakeRecognizer(ModelSpec("fake"), gate=threading.Event()), spoken(1)

    async def transcribe(**fields: Any) -> str:
        work = Work(path, next(iter(running.catalogue)), **fields)
        async with running.transcribe(work) as transcription:
            return "".join([segment.text async for segment in transcription])

    async with service(lambda spec: model, max_queue=2) as running:
        tasks = [asyncio.create_task(transcribe()) for _ in range(2)]
        assert await soon(lambda: running.admission.inside == 2)
        with pytest.raises(ServerBusy):
            await transcribe()
        tasks.append(asyncio.create_task(transcribe(background=True)))
        assert await soon(lambda: running.admission.inside == 3)
        model.gate.set()
        assert await asyncio.gather(*tasks) == ["1.0 seconds"] * 3
        assert running.admission.inside == 0


async def test_a_service_refuses_more_audio_than_it_takes(service: Any, spoken: Callable[..., Path]) -> None:
    model, path = FakeRecognizer(ModelSpec("fake"), gate=threading.Event()), spoken(6)
    async with service(lambda spec: model, max_queue_seconds=10) as running:
        work = Work(path, next(iter(running.catalogue)))
        async with running.transcribe(work):
            with pytest.raises(ServerBusy, match="6 seconds"):
                async with running.transcribe(work):
                    pass
