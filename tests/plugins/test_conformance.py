"""Messages of the suite for the author of a backend that violates the contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from govor.contract.audio import Audio
from govor.contract.models import ModelFile, ModelSpec
from govor.contract.recognizers import Options, RecognizerInfo
from govor.contract.results import Segment
from govor.models.checks import result_fault
from govor.testing.faults import file_faults
from govor.testing.rehearsal import ALONE, _calls
from govor.testing.sound import silence
from support.processes.packages import install_plugin

SHA256 = "0" * 64


def faults(source: str, sha256: str = SHA256) -> list[str]:
    return file_faults(ModelSpec("small", (ModelFile("weights.bin", (source,), 1, sha256),)))


@pytest.mark.parametrize(
    "source",
    [
        "package:dist/weights.1+other:weights.2",
        "hf:owner/small@main/weights.bin",
        "https://models.example/weights.bin",
        "http://models.example/weights.bin",
    ],
)
def test_every_kind_of_source_that_the_core_takes_is_taken(source: str) -> None:
    assert faults(source) == []


def test_a_plain_address_needs_a_checksum() -> None:
    (fault,) = faults("http://models.example/weights.bin", "")
    assert fault.endswith("http://… needs a sha256")


@pytest.mark.parametrize(
    "source", ["hf:small@main/weights.bin", "package:dist", "ftp://models.example/weights.bin"]
)
def test_a_mistyped_source_is_shown_with_what_can_be_written(source: str) -> None:
    (fault,) = faults(source)
    assert f"'{source}': write package:DIST/PATH" in fault


async def late() -> list[Segment]:
    return []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "returned None: end it with `return`"),
        (late(), "is `async`: write it with `def`"),
        (([Segment("a")] for _ in "a"), "is a generator, as it has a `yield`"),
        (Segment("a"), "returned one Segment: return a list"),
        ([Segment("a")], "gave a Segment for one array: give a list of them"),
        ("words", "returned 'words': return a list"),
        (["words"], "gave 'words' for one array, not a list of govor.Segment"),
        ([None], "gave None for one array, not a list of govor.Segment"),
        ([["words"]], "gave 'words', not a govor.Segment"),
        ([[Segment(None)]], "gave a Segment with the text None: write a str"),  # type: ignore[arg-type]
        ([], "was given 1 arrays and gave 0 results"),
    ],
)
def test_an_answer_that_the_core_cannot_use_is_reported_with_its_remedy(given: object, told: str) -> None:
    assert told in result_fault(given, 1)


def test_a_good_answer_has_no_fault() -> None:
    for given in ([[Segment("a"), Segment("b")]], [()], ()):
        assert result_fault(given, len(given)) == ""


BIRD = """
import os, signal, threading
import govor

class Bird:
    info = govor.RecognizerInfo(parallel=2)

    def transcribe(self, batch, options):
        {body}
        return [[govor.Segment(f"{{len(audio)}} samples")] for audio in batch]

    def close(self):
        pass

class Birds:
    def models(self):
        return [govor.ModelSpec({spec})]

    def load(self, spec, folder, runtime):
        {load}
        return Bird()

@govor.hookimpl
def backend(settings):
    return Birds()
"""
SUITE = """
from govor.testing import BackendConformance

class TestBird(BackendConformance):
    plugin = "bird"
    stage_seconds = {stage_seconds}
"""
CRASH = "os.kill(os.getpid(), signal.SIGSEGV)"


def examine(
    folder: Path,
    body: str = "pass",
    load: str = "pass",
    stage_seconds: float = 60.0,
    spec: str = '"bird"',
) -> str:
    """Return pytest's output for a backend with such a body, from its short summary on."""
    install_plugin(folder, "bird", BIRD.format(body=body, load=load, spec=spec))
    (folder / "test_bird.py").write_text(SUITE.format(stage_seconds=stage_seconds))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder / "test_bird.py"]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False).stdout


def test_a_call_that_raises_and_one_that_crashes_fail_a_test_each(tmp_path: Path) -> None:
    body = f"if not batch: raise LookupError('no array')\n        if len(batch[0]) == 1: {CRASH}"
    told = examine(tmp_path, body=body)
    assert "LookupError: no array" in told
    assert "The process ended by SIGSEGV while 'sample' was tried" in told
    assert re.search(r"^2 failed, \d+ passed, \d+ skipped", told, re.MULTILINE), told


def test_a_model_that_crashes_while_it_is_loaded_fails_one_test(tmp_path: Path) -> None:
    told = examine(tmp_path, load=CRASH)
    assert "The process ended by SIGSEGV while 'load' was tried" in told
    assert re.search(r"^1 failed, \d+ passed, \d+ skipped", told, re.MULTILINE), told


def test_a_process_that_ends_by_itself_is_not_laid_to_native_code(tmp_path: Path) -> None:
    told = examine(tmp_path, load="os._exit(3)")
    assert "The process ended with status 3 while 'load' was tried; it said last:" in told
    assert "Native code" not in told


def test_a_model_that_hangs_fails_one_test_that_says_where(tmp_path: Path) -> None:
    told = examine(tmp_path, load="threading.Event().wait()", stage_seconds=6)
    assert "The process was ended after 6 s while 'load' was tried: it hangs, or needs more" in told
    assert re.search(r"bird.*\.py\", line \d+ in load", told), told
    assert re.search(r"^1 failed, \d+ passed, \d+ skipped", told, re.MULTILINE), told


def test_calls_that_are_tried_side_by_side_begin_together(tmp_path: Path) -> None:
    class Counting:
        info = RecognizerInfo(parallel=64)
        threads: ClassVar[list[int]] = []

        def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
            self.threads.append(threading.active_count())
            return [[] for _ in batch]

        def close(self) -> None:
            """Do nothing."""

    for name in ALONE:
        np.save(tmp_path / f"{name}.npy", silence(0.1))
    _calls(Counting(), tmp_path, ModelSpec("counting"))["parallel"]()
    assert len(Counting.threads) == 64
    assert min(Counting.threads) > 64


def test_a_class_in_place_of_a_loaded_model_is_reported(tmp_path: Path) -> None:
    told = examine(tmp_path, load="return Bird")
    assert "load() returned the class Bird: return an object of it, as in Bird(…)" in told
    assert "Traceback" not in told


def test_a_suite_that_tries_no_model_fails(tmp_path: Path) -> None:
    output = examine(tmp_path, spec='"bird", (govor.ModelFile("w", ("package:no-dist/w",)),)')
    assert "FAILED test_bird.py::TestBird::test_a_model_is_tried" in output
    assert "no file of bird is in an installed package: name in `models`" in output
