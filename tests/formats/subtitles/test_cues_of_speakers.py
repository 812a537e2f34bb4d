"""Cues of several speakers."""

import pytest

from govor.contract.results import Segment
from govor.formats.subtitles.files import srt, vtt
from govor.formats.subtitles.layout import Layout
from govor.formats.subtitles.line_breaks import columns
from support.subtitle_files import times


def test_overlapping_speech_is_shown_one_after_the_other(build):
    long = "And so, my fellow Americans, ask not what your country can do for you."
    said = [Segment(long, 0.0, 10.0, speaker="A"), Segment("No.", 0.5, 3.0, speaker="B")]
    said.append(Segment("Yes.", 0.6, 2.0, speaker="C"))
    _, (start, end), *others = times(srt(build(*said)))
    assert end == pytest.approx(start + 1.0)
    assert others == [(pytest.approx(end + n), pytest.approx(end + n + 1.0)) for n in (0, 1)]


def test_a_word_said_into_a_sentence_leaves_it_a_second(build):
    said = [Segment("I think that it will snow.", 0.0, 5.0), Segment("No.", 0.01, 0.3, speaker="B")]
    assert times(srt(build(*said))) == [(0.0, 1.0), (1.0, 2.0)]


def lines(body):
    """Return the lines of text of all cues."""
    return [line for block in body.split("\n\n") for line in block.split("\n") if "今" in line]


@pytest.mark.parametrize("name", ["山田", "山田太郎左衛門尉源朝臣光圀"])
@pytest.mark.parametrize("width", [10, 12, 20, 42, 44])
def test_a_name_in_wide_letters_leaves_its_line_no_wider_than_others(build, name, width):
    body = srt(build(Segment("今" * 60, 0.0, 9.0, speaker=name)), Layout(max_line_width=width))
    assert max(map(columns, lines(body))) <= width
    assert columns(lines(body)[0].split("今")[0]) <= max(width // 2, 5)


def test_a_voice_span_takes_no_room_on_the_line(build):
    said = build(Segment("今" * 21, 0.0, 6.0, speaker="山田"))
    assert lines(vtt(said)) == ["<v 山田>" + "今" * 21]
    assert len(lines(srt(said))) == 2
