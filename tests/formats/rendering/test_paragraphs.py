import pytest

from govor.contract.results import Segment
from govor.formats.rendering.paragraphs import txt


def paragraphs(build, *spoken, **kwargs):
    return txt(build(*spoken), **kwargs).removesuffix("\n").split("\n\n")


@pytest.mark.parametrize(
    ("first", "pause", "parts"),
    [("Раз.", 0.9, 1), ("Раз.", 1.1, 2), ("раз", 1.1, 1), ("раз", 2.1, 2)],
)
def test_a_paragraph_begins_after_a_pause(build, first, pause, parts):
    assert len(paragraphs(build, Segment(first, 0.0, 1.0), Segment("Два.", 1.0 + pause, 3.0))) == parts


def test_a_long_text_without_pauses_has_paragraphs_too(build):
    spoken = [Segment("Слово за слово. " * 4, n, n + 1.0) for n in range(40)]
    made = paragraphs(build, *spoken)
    assert len(made) > 3
    assert max(map(len, made)) < 600


def test_a_text_without_sentences_has_paragraphs_too(build):
    spoken = [Segment("слово за словом " * 4, n, n + 1.0) for n in range(40)]
    assert max(map(len, paragraphs(build, *spoken))) < 1100


def test_another_speaker_begins_a_paragraph_and_is_named_once(build):
    said = [
        Segment("Можно?", 0.0, 1.0, speaker="A"),
        Segment("Да.", 1.0, 2.0, speaker="B"),
        Segment("Заходите.", 2.0, 3.0, speaker="B"),
        Segment("Садитесь.", 6.0, 7.0, speaker="B"),
    ]
    assert paragraphs(build, *said) == ["A: Можно?", "B: Да. Заходите.", "Садитесь."]


def test_paragraphs_have_times_on_request(build):
    said = [Segment("Раз.", 0.4, 1.0, speaker="A"), Segment("Два.", 3725.9, 3727.0, speaker="A")]
    assert paragraphs(build, *said, times=True) == ["[00:00:00] A: Раз.", "[01:02:05] Два."]


def test_chinese_is_joined_without_spaces(build):
    said = [Segment("今天", 0.0, 1.0, language="zh"), Segment("天气", 1.0, 2.0, language="zh")]
    assert paragraphs(build, *said) == ["今天天气"]


def test_silence_is_an_empty_line(build):
    assert txt(build()) == "\n"
