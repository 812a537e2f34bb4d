"""The decision which task is next, by itself: no threads, no event loop, no model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.engine.scheduling.fair_queue import CREDIT_SECONDS, PADDING, FairQueue
from govor.engine.scheduling.fair_share import FairShare, Priority, QueueEntry, Urgency

Queue = FairQueue[QueueEntry]


def entry(share: FairShare, seconds: float = 10.0, **rest: object) -> QueueEntry:
    return QueueEntry(share, seconds, **rest)  # type: ignore[arg-type]


def served(queue: Queue, times: int) -> Iterator[QueueEntry]:
    """Take so many tasks, each done before the next one is taken."""
    for _ in range(times):
        [taken] = queue.take()
        queue.settle(taken, taken.seconds)
        yield taken


REQUESTS = st.lists(
    st.tuples(
        st.floats(0.1, 30.0),  # seconds of each task
        st.integers(1, 12),  # tasks
        st.sampled_from([None, 5.0, 300.0, 36_000.0]),  # length of the recording, if known
        st.sampled_from(["a", "b", None]),  # batch key
        st.integers(0, 40),  # the decision before which it comes
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=400, deadline=None)
@given(REQUESTS, st.integers(1, 4), st.booleans(), st.integers(1, 3))
def test_every_task_is_taken_once_in_batches_that_go_together(
    requests: list[tuple[float, int, float | None, str | None, int]], batch: int, ahead: bool, workers: int
) -> None:
    queue: Queue = FairQueue(batch, charges_ahead=ahead)
    coming = sorted(requests, key=lambda request: request[4])
    wanted, taken_times, decision = 0, Counter[QueueEntry](), 0
    running: list[list[QueueEntry]] = []
    while coming or queue.waiting or running:
        while coming and (coming[0][4] <= decision or not (queue.waiting or running)):
            seconds, tasks, length, key, _ = coming.pop(0)
            share = FairShare(length=length or math.inf)
            for _ in range(tasks):
                queue.submit(entry(share, seconds, batch_key=key))
                wanted += 1
        if len(running) == workers or not queue.waiting:
            for done in running.pop(0):
                queue.settle(done, done.seconds)
            continue
        taken, decision = queue.take(), decision + 1
        first = taken[0]
        assert 1 <= len(taken) <= batch
        assert all(each.batch_key == first.batch_key for each in taken)
        assert len(taken) == 1 or first.batch_key is not None
        longest, total = max(each.seconds for each in taken), sum(each.seconds for each in taken)
        assert longest * len(taken) <= (1 + PADDING) * total + 1e-6
        taken_times.update(taken)
        running.append(taken)
        assert queue.running == {each for call in running for each in call}
    assert len(taken_times) == wanted
    assert set(taken_times.values()) == {1}
    assert not queue.running


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1.0, 30.0), min_size=2, max_size=6))
def test_requests_that_wait_together_get_equally_much(sizes: list[float]) -> None:
    queue: Queue = FairQueue()
    shares = [FairShare() for _ in sizes]
    for share, seconds in zip(shares, sizes, strict=True):
        for _ in range(40):
            queue.submit(entry(share, seconds))
    for _ in served(queue, 30):
        had = [share.seconds for share in shares]
        assert max(had) - min(had) <= max(sizes) + 1e-6


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.floats(1.0, 59.0))
def test_messages_without_end_do_not_keep_a_long_recording_waiting(messages: int, seconds: float) -> None:
    queue: Queue = FairQueue()
    long = FairShare(seconds=10_000.0, length=36_000.0)
    queue.submit(entry(long, 30.0))
    done, requests = 0.0, messages + 1
    for _ in range(messages):
        queue.submit(entry(FairShare(length=seconds), seconds))
    while (taken := queue.take()) and taken[0].share is not long:
        queue.settle(taken[0], seconds)
        done += seconds
        queue.submit(entry(FairShare(length=seconds), seconds))
        assert done <= CREDIT_SECONDS * requests + seconds
    assert taken[0].share is long


def test_ten_thousand_decisions() -> None:
    queue: Queue = FairQueue(4)
    shares = [FairShare(length=length) for length in (5.0, 60.0, 600.0, 36_000.0, math.inf)]
    for share in shares:
        for _ in range(4):
            queue.submit(entry(share, 20.0, batch_key="a"))
    served_of, decisions = Counter[FairShare](), 0
    while decisions < 10_000:
        taken, decisions = queue.take(), decisions + 1
        for each in taken:
            queue.settle(each, each.seconds)
            served_of[each.share] += 1
            queue.submit(entry(each.share, 20.0, batch_key="a"))
    assert max(served_of.values()) - min(served_of.values()) <= 4


def test_a_request_that_comes_late_is_owed_a_minute_and_no_more() -> None:
    queue: Queue = FairQueue()
    early, late = FairShare(), FairShare()
    for _ in range(100):
        queue.submit(entry(early, 30.0))
    list(served(queue, 50))
    for _ in range(100):
        queue.submit(entry(late, 30.0))
    first = [taken.share is late for taken in served(queue, 20)]
    assert first[:2] == [True, True]
    assert 9 <= sum(first) <= 12


def test_a_live_task_goes_before_others_and_one_of_the_background_behind_them() -> None:
    queue: Queue = FairQueue()
    background, normal, live = (
        entry(FairShare(), urgency=Urgency(priority))
        for priority in (Priority.BACKGROUND, Priority.NORMAL, Priority.LIVE)
    )
    for each in (background, normal, live):
        queue.submit(each)
    assert list(served(queue, 3)) == [live, normal, background]


def test_live_tasks_without_end_do_not_keep_the_background_waiting_for_ever() -> None:
    queue: Queue = FairQueue()
    behind = entry(FairShare(), urgency=Urgency(Priority.BACKGROUND))
    queue.submit(behind)
    for number in range(100):
        queue.submit(entry(FairShare(length=5.0), 5.0, urgency=Urgency(Priority.LIVE)))
        [taken] = served(queue, 1)
        if taken is behind:
            assert 20 <= number <= 30  # two requests are there at a time: two minutes of others
            return
    pytest.fail("it was never taken")


def test_a_task_that_has_not_begun_by_its_deadline_is_forgotten() -> None:
    queue: Queue = FairQueue()
    late, timely, begun = (
        entry(FairShare(), urgency=Urgency(deadline=deadline)) for deadline in (5.0, 7.0, 5.0)
    )
    queue.submit(begun)
    assert queue.take() == [begun]
    queue.settle(begun, 1.0)
    for each in (late, timely, begun):
        queue.submit(each)
    assert queue.expire(4.9) == []
    assert queue.expire(5.0) == [late]
    assert set(queue.waiting) == {timely, begun}


def test_the_newest_of_tasks_that_supersede_each_other_is_the_one_that_is_done() -> None:
    queue: Queue = FairQueue()
    share = FairShare()
    running, older, other, newer = (
        entry(share, urgency=Urgency(supersede_key=key))
        for key in ("partial", "partial", "another", "partial")
    )
    stranger = entry(FairShare(), urgency=Urgency(supersede_key="partial"))
    assert queue.submit(running) == []
    assert queue.take() == [running]
    for each in (stranger, older, other):
        assert queue.submit(each) == []
    assert queue.submit(newer) == [older]
    assert set(queue.waiting) == {stranger, other, newer}
    assert queue.running == {running}


def test_tasks_that_were_put_back_wait_and_do_not_run() -> None:
    queue: Queue = FairQueue(2)
    pair = [entry(FairShare(), batch_key="a") for _ in range(2)]
    for each in pair:
        queue.submit(each)
    taken = queue.take()
    assert set(taken) == set(pair)
    queue.put_back(taken)
    assert set(queue.waiting) == set(pair)
    assert not queue.running
    assert set(queue.clear()) == set(pair)
    assert queue.take() == []


def test_only_a_task_that_waits_can_be_withdrawn() -> None:
    queue: Queue = FairQueue()
    task = entry(FairShare())
    queue.submit(task)
    assert queue.withdraw(task)
    assert not queue.withdraw(task)
    queue.submit(task)
    queue.take()
    assert not queue.withdraw(task)
