import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.formats.gigastt import _markdown
from govor.formats.subtitles import MAX_COLUMNS, MAX_SECONDS, srt, vtt
from govor.formats.text import text_body
from govor.plain import CONTROLS
from govor.types import Segment, Transcript, Word

SENTENCES = (
    "Поезд опаздывает на час. Пассажиры ждут на платформе, пьют чай и смотрят на снег. Скоро стемнеет."
)


def spoken(text, seconds_per_word=0.5, pauses=None):
    """A segment whose words follow each other evenly, save for `pauses`: seconds before the n-th word."""
    words, clock = [], 0.0
    for number, word in enumerate(text.split()):
        clock += (pauses or {}).get(number, 0.0)
        words.append(Word(word, clock, clock + seconds_per_word))
        clock += seconds_per_word
    return Segment(text, 0.0, clock, tuple(words))


def texts(body):
    return [block.split("\n")[2] for block in body.split("\n\n") if block]


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


def test_a_cue_lasts_at_least_a_millisecond(build):
    assert "00:00:02,000 --> 00:00:02,001" in srt(build(Segment("a", 2.0, 1.0)))


def test_rounding_never_writes_a_thousand_milliseconds(build):
    assert "00:00:01,000 --> 00:01:00,000" in srt(build(Segment("a", 0.9996, 59.9999)))


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


def test_a_long_segment_without_words_stays_one_cue(build):
    assert texts(srt(build(Segment(SENTENCES, 0.0, 20.0)))) == [SENTENCES]


def test_a_short_segment_with_words_stays_one_cue(build):
    assert texts(srt(build(spoken("Раз. Два. Три.")))) == ["Раз. Два. Три."]


def test_a_long_segment_is_cut_at_the_end_of_a_sentence(build):
    assert srt(build(spoken(SENTENCES))) == (
        "1\n00:00:00,000 --> 00:00:02,000\nПоезд опаздывает на час.\n\n"
        "2\n00:00:02,000 --> 00:00:08,000\n"
        "Пассажиры ждут на платформе, пьют чай и смотрят на снег. Скоро стемнеет.\n\n"
    )


def test_a_segment_without_punctuation_is_cut_at_a_pause(build):
    segment = spoken("раз два три четыре пять", seconds_per_word=1.0, pauses={2: 3.0})
    assert texts(srt(build(segment))) == ["раз два", "три четыре пять"]


def test_a_clause_is_a_better_place_than_the_middle(build):
    segment = spoken("раз два три, четыре пять шесть семь восемь", seconds_per_word=1.0)
    assert texts(srt(build(segment))) == ["раз два три,", "четыре пять шесть семь восемь"]


def test_an_opening_quote_goes_with_its_word(build):
    segment = spoken('раз два три. "четыре пять шесть', seconds_per_word=2.0)
    bare = tuple(Word(word.text.strip('."'), word.start, word.end) for word in segment.words)
    body = srt(build(Segment(segment.text, 0.0, 12.0, bare)))
    assert texts(body) == ["раз два три.", '"четыре пять шесть']


def test_words_that_are_not_in_the_text_do_not_cut_it(build):
    segment = Segment(SENTENCES, 0.0, 20.0, (Word("drei", 0.0, 1.0), Word("vier", 1.0, 2.0)))
    assert texts(srt(build(segment))) == [SENTENCES]


def test_chinese_is_cut_without_spaces_and_by_its_width(build):
    letters = "今天天气很好我们一起去公园散步吧。" * 4
    words = tuple(Word(letter, n / 10, (n + 1) / 10) for n, letter in enumerate(letters))
    assert texts(srt(build(Segment(letters, 0.0, 6.8, words)))) == [letters[:34], letters[34:]]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.sampled_from(["да.", "нет,", "слово", "железнодорожный"]), min_size=1, max_size=300))
def test_cues_are_readable_and_lose_no_word(words):
    segment = spoken(" ".join(words))
    transcript = Transcript(segment.text, (segment,), 200.0, "ru", "transcribe", "fake")
    cues = texts(srt(transcript))
    assert " ".join(cues) == segment.text
    assert max(map(len, cues)) <= MAX_COLUMNS
    assert max(len(cue.split()) for cue in cues) * 0.5 <= MAX_SECONDS


def test_an_hour_in_one_segment_is_cut_too(build):
    cues = texts(srt(build(spoken("слово " * 7200))))
    assert len(cues) >= 3600 / MAX_SECONDS


def test_cue_times_never_run_backwards(build):
    stamps = re.findall(r"\d+:\d+:\d+,\d+", srt(build(spoken(SENTENCES * 5))))
    assert stamps == sorted(stamps)


def test_control_characters_are_in_no_format_for_people() -> None:
    evil = "a\x1b[1m\x00\x9b\x07 --> b\x85c"
    segment = Segment(evil, 0.0, 1.0, speaker=evil)
    whole = Transcript(evil, (segment,), 1.0, "en", "transcribe", "fake")
    for shown in (srt(whole), vtt(whole), text_body(whole), _markdown(whole, sections=False, words=False)):
        assert "a[1m" in shown
        assert not CONTROLS.search(shown.replace("\n", ""))
