"""Breaks of a long segment into cues, and of a cue into lines."""

import pytest

from govor.contract.results import Segment, Word
from govor.formats.subtitles.files import srt
from govor.formats.subtitles.layout import Layout
from govor.formats.subtitles.line_breaks import columns
from support.subtitle_files import SENTENCES, spoken, texts, times

CHINESE = "今天天气很好我们一起去公园散步，看看湖边的花和小鸟吧"
JAPANESE = "今日はスーパーへ行ってきました、とても楽しかったです"
KOREAN = "오늘은 날씨가 정말 좋네요 우리 같이 산책할까요"


def test_a_long_segment_without_words_is_cut_by_the_length_of_its_text(build):
    body = srt(build(Segment(SENTENCES, 0.0, 20.0), duration=20.0))
    assert " ".join(texts(body)).replace("\n", " ") == SENTENCES
    assert max(end - start for start, end in times(body)) <= 7.0
    assert len(texts(body)) > 2


def test_a_segment_over_seven_seconds_is_cut_without_words(build):
    said = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do."
    assert texts(srt(build(Segment(said, 0.0, 11.0), duration=11.0))) == [
        "And so, my fellow Americans,",
        "ask not what your country can do for you,",
        "ask what you can do.",
    ]


def test_a_short_segment_with_words_stays_one_cue(build):
    assert texts(srt(build(spoken("Раз. Два. Три.")))) == ["Раз. Два. Три."]


def test_a_long_segment_is_cut_at_the_end_of_a_sentence(build):
    assert srt(build(spoken(SENTENCES))) == (
        "1\n00:00:00,000 --> 00:00:02,000\nПоезд опаздывает на час.\n\n"
        "2\n00:00:02,000 --> 00:00:07,000\nПассажиры ждут на платформе,\nпьют чай и смотрят на снег.\n\n"
        "3\n00:00:07,000 --> 00:00:08,000\nСкоро стемнеет.\n\n"
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
    without = Segment(SENTENCES, 0.0, 20.0)
    strange = Segment(SENTENCES, 0.0, 20.0, (Word("drei", 0.0, 1.0), Word("vier", 1.0, 2.0)))
    assert srt(build(strange)) == srt(build(without))


def test_chinese_is_cut_without_spaces_and_by_its_width(build):
    letters = "今天天气很好我们一起去公园散步吧。" * 4
    words = tuple(Word(letter, n / 10, (n + 1) / 10) for n, letter in enumerate(letters))
    assert texts(srt(build(Segment(letters, 0.0, 6.8, words)))) == [f"{letters[:17]}\n{letters[:17]}"] * 2


def test_a_lone_word_stands_in_each_cue_where_a_line_may_have_one(build):
    body = srt(build(spoken("раз два три")), Layout(max_words_per_line=1, max_line_count=1))
    assert texts(body) == ["раз", "два", "три"]


def test_an_hour_in_one_segment_is_cut_too(build):
    cues = texts(srt(build(spoken("слово " * 7200))))
    assert len(cues) >= 3600 / 7


def test_lines_end_where_a_clause_does(build):
    said = spoken("Когда поезд пришёл на станцию, все пассажиры вышли на снег", seconds_per_word=0.4)
    assert texts(srt(build(said))) == ["Когда поезд пришёл на станцию,\nвсе пассажиры вышли на снег"]


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, KOREAN])
def test_languages_of_wide_letters_are_broken_too(build, text):
    (shown,) = texts(srt(build(Segment(text, 0.0, 6.0))))
    assert shown.replace("\n", " " if " " in text else "") == text
    assert [columns(line) <= 42 for line in shown.split("\n")] == [True, True]


def test_no_line_begins_with_a_mark_that_ends_a_phrase(build):
    (shown,) = texts(srt(build(Segment("あ" * 20 + "、" + "い" * 10, 0.0, 6.0))))
    assert shown == "あ" * 20 + "、\n" + "い" * 10
