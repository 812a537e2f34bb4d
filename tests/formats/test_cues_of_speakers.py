"""Cues where several people speak."""

import re

import pytest

from govor.formats.subtitles import srt
from govor.types import Segment


def times(body):
    """(start, end) of each cue, in seconds."""
    found = re.findall(r"00:(\d\d):(\d\d),(\d{3}) --> 00:(\d\d):(\d\d),(\d{3})", body)
    return [
        (60 * int(a) + int(b) + int(c) / 1000, 60 * int(d) + int(e) + int(f) / 1000)
        for a, b, c, d, e, f in found
    ]


def test_what_some_say_at_once_is_shown_one_after_the_other(build):
    long = "And so, my fellow Americans, ask not what your country can do for you."
    said = [Segment(long, 0.0, 10.0, speaker="A"), Segment("No.", 0.5, 3.0, speaker="B")]
    said.append(Segment("Yes.", 0.6, 2.0, speaker="C"))
    _, (start, end), *others = times(srt(build(*said)))
    assert end == pytest.approx(start + 1.0)
    assert others == [(pytest.approx(end + n), pytest.approx(end + n + 1.0)) for n in (0, 1)]


def test_a_word_said_into_a_sentence_leaves_it_a_second(build):
    said = [Segment("I think that it will snow.", 0.0, 5.0), Segment("No.", 0.01, 0.3, speaker="B")]
    assert times(srt(build(*said))) == [(0.0, 1.0), (1.0, 2.0)]
