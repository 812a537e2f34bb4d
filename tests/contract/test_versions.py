"""The version that a plugin states, and the names of version 0.1."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import govor
from govor.contract.versions import CONTRACT, OLD_NAMES, check_contract
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of

MAJOR, MINOR = CONTRACT


def stating(*version: object) -> Any:
    return SimpleNamespace(GOVOR_CONTRACT=version)


@pytest.mark.parametrize("module", [SimpleNamespace(), stating(MAJOR, MINOR), stating(MAJOR, 0)])
def test_a_plugin_for_this_contract_or_an_earlier_minor_one_is_taken(module: Any) -> None:
    check_contract(module)


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (
            stating(MAJOR + 1, 0),
            rf"written for contract {MAJOR + 1}\.0, and this Govor has .*: upgrade Govor",
        ),
        (stating(MAJOR, MINOR + 1), rf"contract {MAJOR}\.{MINOR + 1}, .*: upgrade Govor"),
        (stating(MAJOR - 1, 9), rf"contract {MAJOR - 1}\.9, .*: upgrade the plugin"),
        (SimpleNamespace(GOVOR_CONTRACT="1.0"), "its GOVOR_CONTRACT is '1.0': write the version as"),
        (stating(1), "its GOVOR_CONTRACT is"),
    ],
)
def test_another_contract_is_refused_with_what_to_upgrade(module: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_contract(module)


def test_a_plugin_for_a_later_contract_is_recorded_and_the_others_go_on() -> None:
    class Later(FakeBackend):
        GOVOR_CONTRACT = (MAJOR + 1, 0)

    later, present = plugins_of(Settings(), later=Later("later"), present=FakeBackend("present"))
    assert (later.state, present.state) == ("failed", "ready")
    assert later.reason.endswith("upgrade Govor")


def test_every_old_name_stands_for_a_present_one_and_warns() -> None:
    assert set(OLD_NAMES) == govor.OLD_NAMES
    for name, (meaning, _) in OLD_NAMES.items():
        assert name not in govor.__all__
        with pytest.warns(DeprecationWarning, match=f"govor.{name} is a name of version 0.1: use govor"):
            assert getattr(govor, name) is meaning


def test_a_vocabulary_decodes_as_in_version_0_1(caplog: pytest.LogCaptureFixture) -> None:
    vocabulary = govor.Vocabulary((b" a", b"b"))
    with pytest.warns(DeprecationWarning, match=r"govor\.Vocabulary\.decode"):
        decoded = vocabulary.decode([0, 1], [-0.5, -1.5], frames=[1, 2], frame_seconds=0.5)
    now = vocabulary.segment([0, 1], [-0.5, -1.5], frames=[1, 2], frame_seconds=0.5, language="en")
    assert decoded.segment(govor.Options(), "en") == now
    assert (decoded.text, decoded.words(), decoded.avg_logprob) == ("ab", now.words, -1.0)
    assert "DeprecationWarning: govor.Vocabulary.decode" in caplog.text
