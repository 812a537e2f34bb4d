"""The suite's calls of a model that streams, and what they find wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.results import Segment
from govor.contract.streaming import Update
from govor.testing import FakeStreaming, hum, silence
from govor.testing.faults import Unfit
from govor.testing.streams import give_up_midway, stream_together

SPEC = ModelSpec("stream")


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_streams_are_fed_side_by_side_in_pieces(batch: int) -> None:
    model = FakeStreaming(SPEC, batch=batch, final_seconds=2.0)
    found = stream_together(model, [hum(3), silence(1), hum(1.5)])
    assert [[segment.text for segment in own] for own in found] == [
        ["2.0 seconds", "1.0 seconds"],
        [],
        ["1.5 seconds"],
    ]
    assert max(model.advanced) == min(batch, 3)
    assert all(stream.closed for stream in model.streams)


def test_ends_that_break_the_contract_are_named() -> None:
    class Wrong(FakeStreaming):
        def finish(self, streams: Any) -> Any:
            return [Segment("a")]

    with pytest.raises(Unfit, match=r"finish\(\) gave a Segment for one stream: give a list"):
        stream_together(Wrong(SPEC), [hum(1)])


def test_streams_are_given_up_midway() -> None:
    model = FakeStreaming(SPEC)
    give_up_midway(model, hum(2))
    assert [stream.closed for stream in model.streams] == [True, True]


LATE = Segment("late", 90.0, 91.0)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "advance() returned None: return a list of govor.Update"),
        ([], "was given 1 streams and gave 0 results"),
        ([Segment("a")], "not a govor.Update"),
        ([Update(("words",))], "advance() gave 'words', not a govor.Segment"),  # type: ignore[arg-type]
        ([Update((LATE,))], "count from its start"),
        ([Update(partial=LATE)], "count from its start"),
        ([Update((Segment("b", 0.2, 0.3), Segment("a", 0.1, 0.2)))], "which precedes it"),
        ([Update(partial=Segment(" a"))], "spaces at its ends"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_named(answer: Any, told: str) -> None:
    class Wrong(FakeStreaming):
        def advance(self, fed: Sequence[tuple[Any, Audio]]) -> Any:
            return answer

    model = Wrong(SPEC)
    with pytest.raises(Unfit, match=re.escape(told)):
        stream_together(model, [hum(1)])
    assert all(stream.closed for stream in model.streams)
