"""Limits that cues keep for any text."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from govor.contract.results import Segment, Transcript, Word
from govor.formats.subtitles.files import srt, vtt
from govor.formats.subtitles.layout import Layout
from govor.formats.subtitles.line_breaks import columns
from support.subtitle_files import texts, times

WORDS = ["да.", "нет,", "слово", "железнодорожный", "今天，天气很好。", "สวัสดีครับ", "a" * 60, "《你", "R&D"]
segments = st.lists(
    st.builds(
        lambda words, gap, pace, told, speaker: (words, gap, pace, told, speaker),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=30),
        st.floats(0, 4),
        st.floats(0.05, 2),
        st.booleans(),
        st.sampled_from([None, "A", "Bartholomew the Younger of Aberdeen"]),
    ),
    min_size=1,
    max_size=8,
)
layouts = st.builds(
    Layout,
    max_line_width=st.integers(10, 60),
    max_line_count=st.integers(1, 3),
    max_words_per_line=st.integers(0, 4),
)


def transcript_of(parts):
    """Return segments that follow each other."""
    made, clock = [], 0.0
    for said, gap, pace, told, speaker in parts:
        clock += gap
        words = tuple(Word(text, clock + n * pace, clock + (n + 1) * pace) for n, text in enumerate(said))
        end = words[-1].end
        made.append(Segment(" ".join(said), clock, end, words if told else None, speaker=speaker))
        clock = end
    return Transcript("", tuple(made), clock, "ru", "transcribe", "fake")


def letters(text):
    return re.sub(r"\s", "", text)


@settings(deadline=None)  # a busy machine is no failure
@given(segments, layouts)
def test_subtitles_keep_the_limits_and_lose_no_letter(parts, layout):
    transcript = transcript_of(parts)
    body = vtt(transcript, layout).removeprefix("WEBVTT\n\n")
    lines = [
        re.sub("<v [^>]*>", "", line).replace("&amp;", "&")
        for block in body.split("\n\n")
        for line in block.split("\n")[1:]
    ]
    assert letters("".join(lines)) == letters("".join(segment.text for segment in transcript.segments))
    assert max(map(columns, lines)) <= layout.max_line_width
    assert max(block.count("\n") for block in body.split("\n\n")) <= layout.max_line_count
    if layout.max_words_per_line:
        assert max(len(line.split()) for line in lines) <= layout.max_words_per_line


@settings(deadline=None)  # a busy machine is no failure
@given(segments, layouts)
def test_cues_do_not_overlap_and_are_shown_long_enough_where_there_is_time(parts, layout):
    transcript = transcript_of(parts)
    body = srt(transcript, layout)
    shown = times(body)
    ends = [*[start for start, _ in shown[1:]], transcript.duration]
    for (start, end), limit, text in zip(shown, ends, texts(body), strict=True):
        assert start < end <= max(limit, start + 0.0015) + 0.0005
        assert end - start <= 7.0015
        read = text.split(": ", 1)[-1].replace("\n", "")
        wanted = min(7.0, max(1.0, columns(read) / 17))
        assert end - start >= min(wanted, limit - start) - 0.0025


@settings(deadline=None)  # a busy machine is no failure
@given(segments)
def test_the_name_of_a_speaker_fits_on_the_line_too(parts):
    body = srt(transcript_of(parts))
    assert max(columns(line) for text in texts(body) for line in text.split("\n")) <= 42
