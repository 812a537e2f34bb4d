from govor.contract.results import Segment, Word
from govor.formats.rendering.incremental import SegmentTimer
from govor.formats.timeline import place_segments


def places(transcript):
    return [(placed.start, placed.end) for placed in place_segments(transcript)]


def test_known_times_stay(build):
    assert places(build(Segment("a", 1.0, 2.0), Segment("b", 4.0, 5.0))) == [(1.0, 2.0), (4.0, 5.0)]


def test_a_lone_segment_without_times_spans_the_recording(build):
    assert places(build(Segment("a"), duration=8.0)) == [(0.0, 8.0)]


def test_a_gap_is_filled_from_its_neighbours(build):
    transcript = build(Segment("a", 0.0, 2.0), Segment("b"), Segment("c", 5.0, 6.0))
    assert places(transcript) == [(0.0, 2.0), (2.0, 5.0), (5.0, 6.0)]


def test_segments_without_times_share_what_there_is(build):
    transcript = build(Segment("a"), Segment("b"), Segment("c", None, 9.0), Segment("d"), duration=10.0)
    assert places(transcript) == [(0.0, 3.0), (3.0, 6.0), (6.0, 9.0), (9.0, 10.0)]


def test_words_give_the_times_of_their_segment(build):
    words = (Word("a", 1.0, 1.5), Word("b", 2.0, 2.5))
    assert places(build(Segment("a b", words=words))) == [(1.0, 2.5)]


def test_an_end_before_the_start_moves_to_the_start(build):
    assert places(build(Segment("a", 3.0, 1.0))) == [(3.0, 3.0)]


def test_segments_without_text_have_no_place(build):
    assert places(build(Segment(" ", 0.0, 1.0), Segment("a", 1.0, 2.0))) == [(1.0, 2.0)]


def test_segments_of_controls_have_no_place_either(build):
    nothing = Segment("\x01 ", 0.0, 1.0)
    assert places(build(nothing, Segment("a", 1.0, 2.0))) == [(1.0, 2.0)]
    assert SegmentTimer().place(nothing) is None
