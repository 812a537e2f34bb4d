"""The machine's cores: never more than there are, to whoever has had least, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from govor.contract.models import RuntimeOptions
from govor.contract.recognizers import RecognizerInfo
from govor.engine.scheduling.core_budget import CoreAccount, CoreBudget, cores_of
from support.waiting import soon


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Calls:
    """Calls that hold their cores until they are let go."""

    def __init__(self, budget: CoreBudget):
        self._budget = budget
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.running: list[str] = []

    def start(self, name: str, account: CoreAccount) -> asyncio.Task[None]:
        self._ends[name] = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._run(name, account)))
        return self._tasks[-1]

    async def are(self, *names: str) -> bool:
        """Tell whether these run, soon, and no others then."""
        await soon(lambda: sorted(self.running) == sorted(names), seconds=0.2)
        return sorted(self.running) == sorted(names)

    def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()

    async def _run(self, name: str, account: CoreAccount) -> None:
        async with self._budget.hold(account):
            self.running.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.running.remove(name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_calls_run_as_long_as_there_are_cores(clock: Clock) -> None:
    budget = CoreBudget(3, clock)
    calls, one, two = Calls(budget), budget.open_account(1), budget.open_account(2)
    calls.start("a", one)
    calls.start("b", two)
    calls.start("c", one)
    assert await calls.are("a", "b")
    calls.end("a")
    assert await calls.are("b", "c")
    calls.end("b", "c")
    assert await calls.are()


async def test_a_call_that_wants_more_than_there_is_gets_all(clock: Clock) -> None:
    budget = CoreBudget(2, clock)
    calls, greedy, one = Calls(budget), budget.open_account(64), budget.open_account(1)
    calls.start("one", one)
    calls.start("all", greedy)
    calls.start("two", one)
    assert await calls.are("one")  # the second core waits for the one that needs both
    calls.end("one")
    assert await calls.are("all")
    calls.end("all")
    assert await calls.are("two")
    calls.end("two")


async def test_calls_that_use_no_core_never_wait(clock: Clock) -> None:
    budget = CoreBudget(1, clock)
    calls, busy, idle = Calls(budget), budget.open_account(1), budget.open_account(0)
    calls.start("busy", busy)
    calls.start("a", idle)
    calls.start("b", idle)
    assert await calls.are("busy", "a", "b")
    calls.end("busy", "a", "b")


async def test_calls_that_use_no_core_do_not_wait_behind_those_that_do(clock: Clock) -> None:
    budget = CoreBudget(1, clock)
    calls, busy, idle = Calls(budget), budget.open_account(1), budget.open_account(0)
    calls.start("busy", busy)
    calls.start("waiting", busy)
    assert await calls.are("busy")
    calls.start("a", idle)
    assert await calls.are("busy", "a")
    calls.end("busy", "waiting", "a")


async def test_an_urgent_call_that_has_its_core_is_no_call_beside_the_others(clock: Clock) -> None:
    budget = CoreBudget(1, clock)
    first, urgent = budget.open_account(1), budget.open_account(1, lambda: True)
    calls = Calls(budget)
    async with budget.hold(first):
        calls.start("urgent", urgent)
        await asyncio.sleep(0)
    budget.look_again()  # before the core that was given back is given to anybody
    assert await calls.are("urgent")
    calls.start("another", first)
    assert not await calls.are("urgent", "another")
    calls.end("urgent", "another")


async def test_of_two_models_the_one_that_has_had_less_time_goes_first(clock: Clock) -> None:
    budget, order = CoreBudget(1, clock), []
    slow, quick = budget.open_account(1), budget.open_account(1)

    async def work(name: str, account: CoreAccount, seconds: float, times: int) -> None:
        for _ in range(times):
            async with budget.hold(account):
                order.append(name)
                clock.now += seconds
                await asyncio.sleep(0)

    await asyncio.gather(work("S", slow, 3, 3), work("q", quick, 1, 9))
    assert "".join(order)[:8] in ("SqqqSqqq", "SqqqqSqq")


async def test_a_model_that_slept_has_no_claim_on_what_it_missed(clock: Clock) -> None:
    budget, order = CoreBudget(1, clock), []
    early, late = budget.open_account(1), budget.open_account(1)

    async def work(name: str, account: CoreAccount, times: int) -> None:
        for _ in range(times):
            async with budget.hold(account):
                order.append(name)
                clock.now += 1
                await asyncio.sleep(0)

    await work("e", early, 50)
    await asyncio.gather(work("e", early, 4), work("l", late, 4))
    assert "".join(order[50:54]).count("l") <= 3


async def test_one_who_leaves_while_waiting_stands_in_nobodys_way(clock: Clock) -> None:
    budget = CoreBudget(2, clock)
    calls, one, both = Calls(budget), budget.open_account(1), budget.open_account(2)
    calls.start("a", one)
    leaving = calls.start("all", both)
    calls.start("b", one)
    assert await calls.are("a")
    leaving.cancel()
    assert await calls.are("a", "b")
    calls.end("a", "b")
    assert await calls.are()


async def test_one_who_leaves_just_when_served_gives_the_cores_back(clock: Clock) -> None:
    budget = CoreBudget(1, clock)
    calls, account = Calls(budget), budget.open_account(1)
    calls.start("a", account)
    assert await calls.are("a")
    leaving = calls.start("b", account)
    await asyncio.sleep(0)
    calls.end("a")
    await asyncio.sleep(0)
    leaving.cancel()
    calls.start("c", account)
    assert await calls.are("c")
    calls.end("c")


async def test_whatever_comes_and_goes_the_budget_holds_and_all_are_served(clock: Clock) -> None:
    budget, used, highest, served = CoreBudget(3, clock), 0, 0, count()
    accounts = [budget.open_account(cores) for cores in (1, 2, 3, 5)]

    async def call(account: CoreAccount, number: int) -> None:
        nonlocal used, highest
        async with budget.hold(account):
            used += account.cores
            highest = max(highest, used)
            for _ in range(number % 4):
                await asyncio.sleep(0)
            used -= account.cores
        next(served)

    tasks = [asyncio.create_task(call(accounts[number % 4], number)) for number in range(200)]
    for task in tasks[::5]:
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert highest == 3
    assert used <= 3
    async with budget.hold(accounts[2]):  # all three cores are there again
        pass


ON_CPU = RuntimeOptions("cpu", threads=2)


@pytest.mark.parametrize(
    ("info", "cores"),
    [
        (RecognizerInfo(), 1),
        (RecognizerInfo(cores=3), 3),
        (RecognizerInfo(ON_CPU), 2),
        (RecognizerInfo(RuntimeOptions("cpu")), 1),
        (RecognizerInfo(RuntimeOptions("cuda", threads=2)), 1),
        (RecognizerInfo(ON_CPU, cores=0), 0),
    ],
)
def test_a_model_tells_how_many_cores_a_call_uses(info: RecognizerInfo, cores: int) -> None:
    assert cores_of(info) == cores
