"""The plugin's table of settings."""

import pytest

from govor_wyoming.settings import read_settings


def test_only_this_machine_is_served_unless_it_is_said_otherwise():
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 10_300)


def test_an_environments_texts_are_taken():
    assert read_settings({"port": "10301", "max_seconds": "60"}).port == 10_301


@pytest.mark.parametrize("table", [{"port": 70_000}, {"max_seconds": 0}, {"hots": "0.0.0.0"}])
def test_a_wrong_key_is_named(table):
    with pytest.raises(ValueError, match=next(iter(table))):
        read_settings(table)
