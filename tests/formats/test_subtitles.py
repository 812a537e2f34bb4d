import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.formats.breaks import columns
from govor.formats.gigastt import _markdown
from govor.formats.layout import Layout
from govor.formats.subtitles import srt, tsv, vtt
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


def blocks(body):
    return [block.split("\n") for block in body.split("\n\n") if block]


def texts(body):
    return ["\n".join(lines[2:]) for lines in blocks(body)]


def times(body):
    return [tuple(map(_seconds, lines[1].split(" --> "))) for lines in blocks(body)]


def _seconds(written):
    hours, minutes, seconds = written.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


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
    """Segments that follow each other."""
    made, clock = [], 0.0
    for texts, gap, pace, told, speaker in parts:
        clock += gap
        words = tuple(Word(text, clock + n * pace, clock + (n + 1) * pace) for n, text in enumerate(texts))
        end = words[-1].end
        made.append(Segment(" ".join(texts), clock, end, words if told else None, speaker=speaker))
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


def test_a_lone_word_stands_in_each_cue_where_a_line_may_have_one(build):
    body = srt(build(spoken("раз два три")), Layout(max_words_per_line=1, max_line_count=1))
    assert texts(body) == ["раз", "два", "три"]


def test_an_hour_in_one_segment_is_cut_too(build):
    cues = texts(srt(build(spoken("слово " * 7200))))
    assert len(cues) >= 3600 / 7


def test_lines_end_where_a_clause_does(build):
    said = spoken("Когда поезд пришёл на станцию, все пассажиры вышли на снег", seconds_per_word=0.4)
    assert texts(srt(build(said))) == ["Когда поезд пришёл на станцию,\nвсе пассажиры вышли на снег"]


CHINESE = "今天天气很好我们一起去公园散步，看看湖边的花和小鸟吧"
JAPANESE = "今日はスーパーへ行ってきました、とても楽しかったです"
KOREAN = "오늘은 날씨가 정말 좋네요 우리 같이 산책할까요"


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, KOREAN])
def test_languages_of_wide_letters_are_broken_too(build, text):
    (shown,) = texts(srt(build(Segment(text, 0.0, 6.0))))
    assert shown.replace("\n", " " if " " in text else "") == text
    assert [columns(line) <= 42 for line in shown.split("\n")] == [True, True]


def test_no_line_begins_with_a_mark_that_ends_a_phrase(build):
    (shown,) = texts(srt(build(Segment("あ" * 20 + "、" + "い" * 10, 0.0, 6.0))))
    assert shown == "あ" * 20 + "、\n" + "い" * 10


def test_tsv_is_whispers_table(build):
    said = build(Segment(" one\ttwo ", 0.5, 1.25), Segment("three", 61.0, 62.0, speaker="A"))
    assert tsv(said) == "start\tend\ttext\n500\t1250\tone two\n61000\t62000\tA: three\n"


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
