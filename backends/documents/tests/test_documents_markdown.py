import re

import pytest
from markdown_it import MarkdownIt

from govor import Notice, Paragraph

HARD = [
    "*not* _emphasis_ **or** __strong__ ~~or struck~~",
    "`code` ``two`` and a lone `",
    "[a link](https://example.com) ![a picture](x.png) [ref] [1]: x",
    "<script>alert(1)</script> <b>&amp; &lt; <!-- --> <https://example.com>",
    "# no heading ## and === or ---",
    "a | b | c \\ and \\\\ at the end \\",
    "$x^2$ costs $5 ==marked==",
    "1. no list - nor this + nor this",
    "> no quote",
    "Привет, «мир» — это *не* курсив",
    "مرحبا بالعالم (1) *لا*",
    "今天天气很好。_不_",
    "👩‍🚀 é e\u0301 ﬁ",
]


def shown(page):
    """Return the text of each block, as a reader sees it."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(page)
    inline = [token.children for token in tokens if token.type == "inline"]
    return ["".join(child.content for child in children) for children in inline]


def test_a_page_has_a_title_times_and_names(render):
    said = [
        Paragraph("Can I come in?", 0.4, 2.0, "Anna"),
        Paragraph("Sit down.", 65.0, 66.0, "Boris"),
        Paragraph("Well.", 3725.9, 3727.0, "Boris"),
    ]
    assert render("md", *said, title="talk") == (
        "# talk\n\n"
        "`00:00:00` **Anna:** Can I come in?\n\n"
        "`00:01:05` **Boris:** Sit down.\n\n"
        "`01:02:05` Well.\n"
    )


def test_without_a_known_name_the_title_says_what_it_is(render):
    assert render("md") == "# Transcript\n"


@pytest.mark.parametrize("text", HARD)
def test_what_means_something_in_markdown_is_shown_as_it_is(render, text):
    page = render("md", Paragraph(text, 0.0, 1.0, text), title=text)
    title, block = shown(page)
    assert title == text
    assert block == f"00:00:00{' '}{text}: {text}"


@pytest.mark.parametrize("text", HARD)
def test_no_element_comes_out_of_a_text(render, text):
    page = MarkdownIt("gfm-like", {"linkify": False}).render(render("md", Paragraph(text, 0.0, 1.0)))
    assert set(re.findall(r"<(\w+)", page)) == {"h1", "p", "code"}


def test_a_part_that_was_not_heard_is_noted_at_its_time(render):
    said = [Paragraph("One.", 0.0, 1.0), Paragraph("Two.", 20.0, 21.0)]
    lost = Notice("damaged", "This part is *damaged*.", 10.0, 12.0)
    unplaced = Notice("damaged", "Something is missing.")
    blocks = shown(render("md", *said, notices=(unplaced, lost)))
    assert blocks[1:] == [
        "00:00:00 One.",
        "00:00:10–00:00:12: This part is *damaged*.",
        "00:00:20 Two.",
        "Something is missing.",
    ]


def test_a_line_end_in_a_text_begins_no_line(render):
    assert render("md", Paragraph("one\n# two\r\n\n- three\t.", 0.0, 1.0, "A\n# B")) == (
        "# Transcript\n\n`00:00:00` **A \\# B:** one \\# two - three .\n"
    )
