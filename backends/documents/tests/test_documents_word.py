import io
import zipfile

import pytest
from docx import Document
from docx.oxml.ns import qn

from govor import Notice, Paragraph

TEXTS = [
    "Plain words.",
    "<w:p>&amp; ]]> \"quotes\" 'and'",
    "Съешь ещё этих мягких французских булок.",
    "今天天气很好。ภาษาไทย ไม่มีช่องว่าง",
    "👩‍🚀 e\u0301 \U00020000",
]


@pytest.fixture
def opened(render):
    """Open the document that paragraphs make."""

    def opened(*paragraphs, **rest):
        return Document(io.BytesIO(render("docx", *paragraphs, **rest)))

    return opened


def lines(document):
    return [paragraph.text for paragraph in document.paragraphs]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_any_language_is_read_as_it_was_written(opened, text):
    document = opened(Paragraph(text, 0.0, 1.0, text), title=text)
    assert lines(document) == [text, f"00:00:00 {text}: {text}"]
    assert document.core_properties.title == text


def test_characters_that_xml_has_not_are_left_out(opened):
    dirty = "a\x00b\x0bc\x1bd\ufffee\ud800f\x7f\tg\n\nh"
    assert lines(opened(Paragraph(dirty, 0.0, 1.0, dirty), title=dirty)) == [
        "abcdef\x7f g h",
        "00:00:00 abcdef\x7f g h: abcdef\x7f g h",
    ]


def test_the_title_is_a_heading_and_names_are_bold(opened):
    said = [
        Paragraph("Can I come in?", 0.4, 2.0, "Anna"),
        Paragraph("Sit down.", 65.0, 66.0, "Boris"),
        Paragraph("Well.", 3725.9, 3727.0, "Boris"),
    ]
    title, *rest = opened(*said, title="talk").paragraphs
    assert (title.text, title.style.name) == ("talk", "Heading 1")
    bold = [[run.text for run in paragraph.runs if run.bold] for paragraph in rest]
    assert bold == [["Anna: "], ["Boris: "], []]
    assert [paragraph.text for paragraph in rest][-1] == "01:02:05 Well."


def test_a_part_that_was_not_heard_is_noted_at_its_time(opened):
    said = [Paragraph("One.", 0.0, 1.0), Paragraph("Two.", 20.0, 21.0)]
    document = opened(*said, notices=(Notice("damaged", "This part is damaged.", 10.0, 10.2),))
    assert lines(document)[1:] == ["00:00:00 One.", "00:00:10: This part is damaged.", "00:00:20 Two."]
    assert [run.italic for run in document.paragraphs[2].runs] == [True]


@pytest.mark.parametrize(
    ("text", "backwards"),
    [("مرحبا بالعالم", True), ("42 שלום", True), ("OK, שלום", False), ("Hello", False), ("12:30", False)],
)
def test_a_paragraph_runs_as_its_first_letter_does(opened, text, backwards):
    paragraph = opened(Paragraph(text, 0.0, 1.0)).paragraphs[1]
    assert (paragraph.style.element.find(f"{qn('w:pPr')}/{qn('w:bidi')}") is not None) == backwards
    assert bool(paragraph.runs[-1].font.rtl) == backwards


def test_the_language_is_set_for_spelling_checks(opened):
    document = opened(Paragraph("Привет.", 0.0, 1.0), language="ru")
    languages = {element.get(qn("w:val")) for element in document.styles.element.iter(qn("w:lang"))}
    assert languages == {"ru"}


def test_nothing_of_the_template_is_left(opened):
    known = opened(Paragraph("Hi.", 0.0, 1.0)).core_properties
    assert (known.author, known.comments) == ("", "")
    assert known.created.year > 2024


def test_several_hours_fit(render):
    words = "words " * 60
    said = [Paragraph(f"{n}. {words}", 10.0 * n, 10.0 * n + 9, f"S{n % 3}") for n in range(2000)]
    body = render("docx", *said)
    document = Document(io.BytesIO(body))
    assert len(document.paragraphs) == 2001
    assert document.paragraphs[-1].text.startswith("05:33:10 S1: 1999.")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
