"""Text from outside cannot forge a line of the log, or command the terminal that shows it."""

from __future__ import annotations

import io
import json
import logging
from datetime import datetime

import pytest

from govor.cli.terminal.options import show_log
from govor.observe.log_format import JsonFormatter, LineFormatter
from govor.plain import escape, escape_json, in_words, without_controls

EVIL = [
    "a\r\n12:00:00 INFO    forged",
    "\x1b]0;title\x07\x1b[2J",
    "\x9b2J\x90",
    "\x7f\x00\x08\x0b\x0c\x1c\x85",
    "\u202eabc\u2066\u2028\u2029",
    "\ud800",
]


def shown(formatter: logging.Formatter, text: str, *, failing: bool = False) -> str:
    """Return a log's line for a message, and for an error with the same text."""
    log, written = logging.Logger("a"), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    log.addHandler(handler)
    try:
        raise ValueError(text)
    except ValueError:
        log.error("from %s", text, exc_info=failing)
    return written.getvalue()


def plain(line: str) -> bool:
    return escape(line, keep="\t") == line


@pytest.mark.parametrize("text", EVIL)
def test_a_message_is_one_line_without_a_control_character(text: str) -> None:
    line, end = shown(LineFormatter(), text).split("\n")
    assert plain(line)
    assert (end, line[25:33]) == ("", "ERROR   ")


@pytest.mark.parametrize("text", EVIL)
def test_no_line_of_a_traceback_looks_like_one_of_the_log(text: str) -> None:
    first, *rest, end = shown(LineFormatter(), text, failing=True).split("\n")
    assert plain(first)
    assert end == ""
    assert rest[0] == "| Traceback (most recent call last):"
    assert all(line.startswith("| ") and plain(line) for line in rest)


@pytest.mark.parametrize("text", EVIL)
def test_json_is_one_line_that_means_the_same(text: str) -> None:
    line, end = shown(JsonFormatter(), text, failing=True).split("\n")
    assert (plain(line), end) == (True, "")
    body = json.loads(line)
    assert body["message"] == f"from {text}"
    assert text in body["exception"]


def test_control_characters_are_written_as_nginx_writes_them() -> None:
    assert escape("a\x1b[1m\u202eb\n\tc") == "a\\x1B[1m\\u202Eb\\x0A\\x09c"
    assert escape("a\nb\r", keep="\n") == "a\nb\\x0D"
    assert escape("Привет, 世界 — ‏عربي 😀\xa0") == "Привет, 世界 — ‏عربي 😀\xa0"
    assert json.loads(escape_json('{"a": "\x9b\u202e\x7f"}')) == {"a": "\x9b\u202e\x7f"}
    assert without_controls("a\x00\x1b[1m\x9b\r\n\tb\u202b") == "a[1m\n\tb\u202b"


def test_the_commands_log_in_this_form() -> None:
    root, level = logging.getLogger(), logging.getLogger().level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(root, "handlers", [])  # the tests' own handlers
        for _ in range(2):
            show_log("info")
            assert [type(handler.formatter) for handler in root.handlers] == [LineFormatter]
        show_log("info", as_json=True)
        show_log("debug")  # as on SIGHUP
        assert [type(handler.formatter) for handler in root.handlers] == [JsonFormatter]
    root.setLevel(level)


def test_a_line_begins_with_date_time_and_zone() -> None:
    line = LineFormatter().format(logging.makeLogRecord({"msg": "hello", "levelname": "INFO", "created": 0}))
    moment, level, text = line.split()
    assert (datetime.fromisoformat(moment).timestamp(), level, text) == (0, "INFO", "hello")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "ru5.wav"), "Permission denied"),
        (FileNotFoundError(2, "No such file or directory", "/proc/audio"), "No such file or directory"),
        (ValueError("[Errno -2] Name or service not known"), "Name or service not known"),
        (OSError("no number."), "no number"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_systems_message_is_shown_without_numbers_and_names(error: Exception, told: str) -> None:
    assert in_words(error) == told
