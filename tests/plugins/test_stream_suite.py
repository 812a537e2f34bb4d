"""The suite's calls of a model that streams, and what they find wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.results import Segment
from govor.contract.streaming import Update
from govor.testing import FakeStreaming, hum, silence
from govor.testing.faults import Unfit
from govor.testing.streams import give_up_midway, stream_together
from support.processes.packages import install_plugin

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


LISTENER = """
import govor
from govor.testing import FakeStreaming

class Listener(FakeStreaming):
    {body}

class Listening:
    def models(self):
        return [govor.ModelSpec("listener")]

    def load(self, spec, folder, runtime):
        return Listener(spec, parallel=2, batch=3, final_seconds=1.0)

@govor.hookimpl
def backend(settings):
    return Listening()
"""
SUITE = """
from govor.testing import BackendConformance

class TestListener(BackendConformance):
    plugin = "listener"
"""
ONE_FOR_ALL = """def open(self, options):
        self.only = getattr(self, "only", None) or super().open(options)
        return self.only"""


def examine(folder: Path, body: str = "pass") -> str:
    """Return pytest's output of the suite for a plugin whose model only streams."""
    install_plugin(folder, "listener", LISTENER.format(body=body))
    (folder / "test_listener.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_listener.py"]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False).stdout


def test_a_model_that_only_streams_passes_the_suite(tmp_path: Path) -> None:
    told = examine(tmp_path)
    assert re.search(r"^\d+ passed, 3 skipped", told, re.MULTILINE), told


def test_a_model_whose_streams_are_one_fails_the_suite(tmp_path: Path) -> None:
    told = examine(tmp_path, ONE_FOR_ALL)
    assert "FAILED test_listener.py::TestListener::test_streams_side_by_side" in told, told
    assert "a stream was closed twice" in told or "a closed stream was fed" in told, told
