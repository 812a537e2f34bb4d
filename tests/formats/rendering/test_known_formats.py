"""Formats of plugins beside those of the core: their names, what they get, and their failures."""

import logging

import pytest

from govor.contract.results import Segment
from govor.contract.texts.formats import Paragraph, ResponseFormat
from govor.errors import FormatFailed, InvalidParam
from govor.formats.rendering.formats import MEDIA_TYPES
from govor.formats.rendering.known_formats import CORE_FORMATS, Formats

HOW = {"words": True, "segments": True, "logprobs": False}


def csv(render=lambda transcript, shown: "a,b", name="csv", media_type="text/csv", **rest):
    return ResponseFormat(name, media_type, f".{name}", render, **rest)


def raising(transcript, shown):
    raise RuntimeError("the ink in /home/me/printer is empty.")


def leaving(transcript, shown):
    raise SystemExit(3)


def panicking(transcript, shown):
    raise BaseException("the thread is poisoned")  # as PyO3 raises a panic of Rust


def test_the_formats_of_plugins_come_after_those_of_the_core():
    formats = Formats([("office", csv())])
    assert list(formats) == [*MEDIA_TYPES, "csv"]
    assert (formats.added, formats.of_plugin("office"), formats.of_plugin("other")) == (("csv",), ["csv"], [])
    assert (formats.suffix("csv"), formats.suffix("srt")) == (".csv", ".srt")


@pytest.mark.parametrize(
    ("media_type", "sent", "readable"),
    [
        ("text/csv", "text/csv; charset=utf-8", True),
        ("text/csv; charset=utf-16", "text/csv; charset=utf-16", True),
        ("application/ld+json", "application/ld+json", True),
        ("application/zip", "application/zip", False),
    ],
)
def test_a_text_has_a_charset(media_type, sent, readable):
    formats = Formats([("office", csv(media_type=media_type))])
    assert (formats.media_type("csv"), formats.is_text("csv")) == (sent, readable)


def test_a_name_keeps_its_first_format(build, caplog):
    one = csv(lambda transcript, shown: "1")
    formats = Formats([("first", one), ("second", csv()), ("third", csv(name="srt"))])
    assert formats.render(build(), "csv", **HOW)[0] == "1"
    assert formats.render(build(Segment("Hi.", 0.0, 1.0)), "srt", **HOW)[0].startswith("1\n00:00:00,000")
    assert [record.getMessage() for record in caplog.records] == [
        "Plugin 'second' has a format 'csv', whose name is taken: it is left out",
        "Plugin 'third' has a format 'srt', whose name is taken: it is left out",
    ]


def test_a_format_gets_paragraphs_a_title_and_what_the_client_asks_for(build):
    seen = []
    formats = Formats([("office", csv(lambda transcript, shown: seen.append(shown) or b"\x00"))])
    said = [
        Segment("Can I\x07 come in?", 0.0, 1.0, speaker="A\nB"),
        Segment("No.", 1.0, 2.0, speaker="A\nB"),
        Segment("Why?", 5.0, 6.0, speaker="A\nB"),
        Segment("Ask.", 6.0, 7.0, speaker="C"),
    ]
    body, media_type = formats.render(
        build(*said), "csv", **HOW, times=True, title=" my\n\x1btalk " + "x" * 300
    )
    assert (body, media_type) == (b"\x00", "text/csv; charset=utf-8")
    (shown,) = seen
    assert shown.paragraphs == (
        Paragraph("Can I come in? No.", 0.0, 2.0, "A B"),
        Paragraph("Why?", 5.0, 6.0, "A B"),
        Paragraph("Ask.", 6.0, 7.0, "C"),
    )
    assert (shown.times, shown.words, shown.title[:8], len(shown.title)) == (True, True, "my talk ", 200)


@pytest.mark.parametrize(
    ("render", "reason"),
    [
        (raising, "RuntimeError: the ink in …/printer is empty"),
        (leaving, "SystemExit: 3"),
        (panicking, "BaseException: the thread is poisoned"),
        (lambda transcript, shown: None, "TypeError: render gave NoneType instead of str or bytes"),
        (lambda transcript: "", "TypeError: "),
        (lambda transcript, shown: "\ud800", "UnicodeEncodeError: "),
    ],
)
def test_a_format_that_fails_is_an_error_with_the_reason_and_a_traceback_in_the_log(
    build, caplog, render, reason
):
    formats = Formats([("office", csv(render))])
    with caplog.at_level(logging.ERROR), pytest.raises(FormatFailed) as failure:
        formats.render(build(), "csv", **HOW)
    assert str(failure.value).startswith(f"The plugin 'office' could not write the format 'csv': {reason}")
    assert failure.value.status == 500
    (record,) = caplog.records
    assert record.exc_info is not None
    assert formats.render(build(), "text", **HOW)[0] == "\n"


def test_only_formats_that_need_words_ask_for_them():
    formats = Formats([("office", csv()), ("office", csv(name="karaoke", needs_words=True))])
    assert [name for name in formats if formats.needs_words(name)] == ["srt", "vtt", "karaoke"]
    assert [name for name in formats if formats.can_show_words(name)] == ["verbose_json", "csv", "karaoke"]


@pytest.mark.parametrize("name", ["", "JSON", "diarised_json", "yaml"])
def test_an_unknown_format_is_a_wrong_parameter(build, name):
    with pytest.raises(InvalidParam, match="verbose_json, diarized_json, txt, tsv, csv") as refusal:
        Formats([("office", csv())]).render(build(), name, **HOW)
    assert refusal.value.param == "response_format"


def test_a_dialect_has_its_own_formats_and_those_of_plugins():
    formats = Formats([("office", csv())])
    formats.check("csv", ("txt",), "output")
    with pytest.raises(InvalidParam, match="output 'srt' is unknown; there are txt, csv"):
        formats.check("srt", ("txt",), "output")
    assert CORE_FORMATS.added == ()


@pytest.mark.parametrize("name", ["md", "docx"])
def test_the_plugin_of_a_format_that_is_not_here_is_named(name):
    with pytest.raises(InvalidParam, match=rf"tsv\. '{name}' comes with the plugin 'documents'\."):
        CORE_FORMATS.check(name)
