import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govor.contract.results import Segment
from govor.formats.text import Joiner, join_texts, text_body

codes = st.sampled_from([None, "ru", "en", "zh", "th"])
segments = st.builds(Segment, text=st.text(alphabet=" \n\tabя你。", max_size=6), language=codes)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(segments), codes, st.sampled_from(["transcribe", "translate"]))
def test_deltas_concatenate_to_the_text(segments, language, task):
    joiner = Joiner(language, task=task)
    assert "".join([joiner.add(segment) for segment in segments]) == join_texts(segments, language, task=task)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(segments), codes)
def test_the_text_has_no_space_around_it(segments, language):
    text = join_texts(segments, language)
    assert text == text.strip()


@pytest.mark.parametrize(
    ("language", "text"), [("ru", "раз два"), ("zh", "раздва"), ("th", "раздва"), (None, "раз два")]
)
def test_the_language_decides_what_stands_between(language, text):
    assert join_texts([Segment(" раз "), Segment("два\n")], language) == text


def test_a_segment_that_names_its_language_decides_for_itself():
    spoken = [Segment("你好", language="zh"), Segment("世界", language="zh"), Segment("hello", language="en")]
    assert join_texts(spoken, None) == "你好世界 hello"


def test_a_segment_without_language_follows_the_one_before():
    assert join_texts([Segment("你好", language="zh"), Segment("世界")], None) == "你好世界"


def test_the_separator_opens_the_next_delta():
    joiner = Joiner()
    assert [joiner.add(Segment(text)) for text in ("one ", " two")] == ["one", " two"]


def test_silence_adds_nothing_wherever_it_stands():
    joiner = Joiner()
    assert [joiner.add(Segment(text)) for text in (" ", "one", "", "two")] == ["", "one", "", " two"]


def test_a_translation_is_joined_as_english():
    spoken = [Segment("Hello.", language="zh"), Segment("World.", language="zh")]
    assert join_texts(spoken, "zh", task="translate") == "Hello. World."


def test_the_text_body_ends_in_a_newline(build):
    assert text_body(build(Segment("Hello."))) == "Hello.\n"


def test_with_speakers_each_turn_has_a_line(build):
    spoken = [
        Segment(" Can I help? ", speaker="Ann\nLee"),
        Segment("", speaker="B"),
        Segment("Do come in.", speaker="Ann\nLee"),
        Segment("Yes.", speaker="B"),
    ]
    assert text_body(build(*spoken)) == "Ann Lee: Can I help? Do come in.\nB: Yes.\n"


def test_a_segment_of_controls_adds_no_space():
    assert join_texts([Segment("a"), Segment("\x01 "), Segment("b")], "en") == "a b"
