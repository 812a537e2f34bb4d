"""Files of subtitles: their syntax, and what is escaped in them."""

import pytest

from govor.contract.results import Segment, Transcript
from govor.formats.dialects.gigastt import _markdown
from govor.formats.subtitles.files import srt, tsv, vtt
from govor.formats.text import text_body
from govor.plain import CONTROLS
from support.subtitle_files import texts


def test_srt_of_two_segments(build):
    transcript = build(Segment(" Первый. ", 0.0, 1.5), Segment("Второй.", 3661.25, 3662.0))
    assert srt(transcript) == (
        "1\n00:00:00,000 --> 00:00:01,500\nПервый.\n\n2\n01:01:01,250 --> 01:01:02,000\nВторой.\n\n"
    )


def test_vtt_of_two_segments(build):
    transcript = build(Segment(" Первый. ", 0.0, 1.5), Segment("Второй.", 3661.25, 3662.0))
    assert vtt(transcript) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nПервый.\n\n01:01:01.250 --> 01:01:02.000\nВторой.\n\n"
    )


def test_silence_is_an_empty_file_of_its_kind(build):
    assert (srt(build(Segment(" "))), vtt(build())) == ("", "WEBVTT\n\n")


def test_hours_may_exceed_99(build):
    assert "100:00:00,000 --> 100:00:01,000" in srt(build(Segment("a", 360_000.0, 360_001.0)))


def test_rounding_never_writes_a_thousand_milliseconds(build):
    assert "00:00:01,000 --> 00:00:03,000" in srt(build(Segment("a", 0.9996, 2.9999)))


@pytest.mark.parametrize("render", [srt, vtt])
@pytest.mark.parametrize("arrow", ["-->", "--->", "---->"])
def test_an_arrow_in_the_text_is_not_a_time_line(build, render, arrow):
    body = render(build(Segment(f"a {arrow} b", 0.0, 1.0)))
    assert body.count("-->") == 1
    assert body.endswith("\na -> b\n\n")


def test_vtt_escapes_what_would_be_markup(build):
    assert vtt(build(Segment("R&D <i>", 0.0, 1.0))).endswith("\nR&amp;D &lt;i>\n\n")


def test_srt_leaves_the_ampersand_alone(build):
    assert srt(build(Segment("R&D", 0.0, 1.0))).endswith("\nR&D\n\n")


def test_a_blank_line_inside_a_segment_does_not_end_its_cue(build):
    assert texts(srt(build(Segment("one\n\ntwo", 0.0, 1.0)))) == ["one two"]


def test_tsv_is_whispers_table(build):
    said = build(Segment(" one\ttwo ", 0.5, 1.25), Segment("three", 61.0, 62.0, speaker="A"))
    assert tsv(said) == "start\tend\ttext\n500\t1250\tone two\n61000\t62000\tA: three\n"


def test_control_characters_are_in_no_format_for_people() -> None:
    evil = "a\x1b[1m\x00\x9b\x07 --> b\x85c"
    segment = Segment(evil, 0.0, 1.0, speaker=evil)
    whole = Transcript(evil, (segment,), 1.0, "en", "transcribe", "fake")
    for shown in (srt(whole), vtt(whole), text_body(whole), _markdown(whole, sections=False, words=False)):
        assert "a[1m" in shown
        assert not CONTROLS.search(shown.replace("\n", ""))
