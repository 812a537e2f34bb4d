"""Durations of cues."""

import re

from govor.contract.results import Segment
from govor.formats.subtitles.files import srt
from support.subtitle_files import SENTENCES, spoken, texts, times


def test_a_cue_lasts_at_least_a_millisecond(build):
    crowded = [Segment("a", 2.0, 1.0), Segment("b", 2.0, 2.0), Segment("c", 2.0, 2.0, speaker="C")]
    assert all(end - start >= 0.00099 for start, end in times(srt(build(*crowded))))


def test_a_short_word_is_shown_for_a_second(build):
    assert times(srt(build(Segment("Да.", 2.0, 2.3)))) == [(2.0, 3.0)]


def test_a_short_word_of_another_speaker_is_shown_for_a_second(build):
    said = [Segment("Да.", 0.0, 0.4, speaker="A"), Segment("Хорошо, договорились.", 0.4, 4.0, speaker="B")]
    assert times(srt(build(*said))) == [(0.0, 1.0), (1.0, 4.0)]


def test_short_sentences_without_a_pause_share_a_cue(build):
    said = [Segment("Да.", 0.0, 0.4), Segment("Нет.", 0.4, 0.8), Segment("Не знаю.", 0.8, 2.0)]
    assert texts(srt(build(*said))) == ["Да. Нет. Не знаю."]


def test_a_cue_is_shown_no_longer_than_the_recording(build):
    assert times(srt(build(Segment("Да.", 2.0, 2.3), duration=2.5))) == [(2.0, 2.5)]


def test_fast_speech_is_shown_into_the_pause_after_it(build):
    assert times(srt(build(Segment("x" * 17 + " " + "y" * 16, 0.0, 1.0)))) == [(0.0, 2.0)]


def test_no_cue_is_shown_through_a_long_pause(build):
    segment = spoken("раз два три четыре", pauses={2: 2.5})
    assert texts(srt(build(segment))) == ["раз два", "три четыре"]


def test_a_sound_that_does_not_end_is_shown_for_seven_seconds(build):
    assert times(srt(build(Segment("Ааа", 0.0, 30.0)))) == [(0.0, 7.0)]


def test_cue_times_never_run_backwards(build):
    stamps = re.findall(r"\d+:\d+:\d+,\d+", srt(build(spoken(SENTENCES * 5))))
    assert stamps == sorted(stamps)
