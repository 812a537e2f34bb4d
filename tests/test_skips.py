"""The guard for skips: an unexpected skip fails, in whatever way a test is skipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import skips

pytest_plugins = ["pytester"]

SKIPPED = """
import pytest

def test_that_runs():
    pass

def test_that_is_skipped():
    pytest.skip({reason!r})

@pytest.mark.skipif(True, reason={reason!r})
def test_that_is_marked():
    pass

@pytest.fixture
def network():
    pytest.skip({reason!r})

def test_whose_fixture_skips(network):
    pass

@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail():
    assert False
"""


@pytest.fixture
def guarded(pytester: pytest.Pytester, root: Path) -> pytest.Pytester:
    """A folder of tests with the guard, which assumes that everything is installed."""
    code = (root / "tests/support/skips.py").read_text()
    pytester.mkpydir("support").joinpath("skips.py").write_text(f"{code}\n\nINSTALLED = Path(__file__)\n")
    pytester.makeconftest((root / "conftest.py").read_text())
    return pytester


def test_a_skip_that_should_not_be_is_a_failure(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(test_it=SKIPPED.format(reason="the networks are not here"))
    ran = guarded.runpytest_subprocess("-p", "no:cacheprovider")
    ran.assert_outcomes(passed=1, failed=1, errors=2, xfailed=1)
    ran.stdout.fnmatch_lines(["*should have run: the networks are not here*"])


def test_a_module_that_should_not_be_skipped_is_an_error(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(test_it="import pytest\n\npytest.importorskip('no_such_module')\n")
    ran = guarded.runpytest_subprocess("-p", "no:cacheprovider")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["*should have run: could not import 'no_such_module'*"])


def test_tests_for_things_that_a_machine_may_lack_may_be_skipped(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(test_it=SKIPPED.format(reason="curl is not on this machine"))
    guarded.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, skipped=3, xfailed=1)


def test_unless_all_is_installed_a_skip_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skips, "INSTALLED", tmp_path / "none")
    assert skips.fault_of("Skipped: the networks are not here") == ""


@pytest.mark.parametrize(
    "reason",
    [
        "the sample is not here; `make test` downloads it",
        "the networks and recordings are not here; `make test` downloads them",
        "could not import 'faster_whisper.vad': No module named 'faster_whisper'",
        "govor-gigaam-onnx is not installed",
        "moonshine-voice is not installed",
    ],
)
def test_things_installed_for_the_tests_are_no_reason(reason: str) -> None:
    assert not skips.is_allowed(reason)


def test_a_skip_of_the_diarizers_tests_names_what_make_test_downloads(root: Path) -> None:
    reasons = [
        reason
        for path in (root / "tests/diarization").glob("*.py")
        for reason in re.findall(r'pytest\.skip\("([^"]+)"\)', path.read_text())
    ]
    assert len(reasons) == 3
    assert not any(map(skips.is_allowed, reasons))
