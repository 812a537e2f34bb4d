"""The measure itself: missed, invented and wrongly assigned speech."""

import pytest

from diarization.error_rate import ErrorRate, Span, error_rate, named_rightly

TALK = [Span(0, 4, "ann"), Span(4, 10, "ben")]


def test_names_do_not_matter():
    assert error_rate(TALK, [Span(0, 4, 7), Span(4, 10, 3)]) == pytest.approx((0, 0, 0))


def test_speech_without_a_speaker_is_missed():
    assert error_rate(TALK, [Span(0, 4, 1), Span(5, 10, 2)]) == pytest.approx((0.1, 0, 0))
    assert error_rate(TALK, []) == pytest.approx((1, 0, 0))


def test_speakers_without_speech_are_invented():
    assert error_rate(TALK, [*TALK, Span(10, 12, "ann")]) == pytest.approx((0, 0.2, 0))
    assert error_rate(TALK, [*TALK, Span(0, 1, "ben")]) == pytest.approx((0, 0.1, 0))


def test_speech_of_another_speaker_is_confused():
    assert error_rate(TALK, [Span(0, 5, 1), Span(5, 10, 2)]) == pytest.approx((0, 0, 0.1))
    assert error_rate(TALK, [Span(0, 10, 1)]) == pytest.approx((0, 0, 0.4))


def test_a_speaker_found_as_two_counts_once():
    assert error_rate(TALK, [Span(0, 4, 1), Span(4, 8, 2), Span(8, 10, 3)]) == pytest.approx((0, 0, 0.2))


def test_overlapping_speech_counts_for_each():
    both = [Span(0, 10, "ann"), Span(5, 10, "ben")]
    assert error_rate(both, [Span(0, 10, 1)]) == pytest.approx((5 / 15, 0, 0))


def test_the_total_is_the_sum():
    assert ErrorRate(0.1, 0.02, 0.3).total == pytest.approx(0.42)


def test_speech_under_the_right_name_is_counted_if_any_speaker_is_found():
    found = [Span(0, 4, "ann"), Span(4, 5, "ann"), Span(5, 9, "ben")]
    assert named_rightly(TALK, found) == pytest.approx(8 / 9)
