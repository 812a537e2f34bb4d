"""A transcript as a document of Word (Office Open XML), by python-docx."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import RGBColor

import govor
from govor_documents.contents import Note, Spoken, contents, title_of

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from docx.styles.style import ParagraphStyle

GREY = RGBColor(0x70, 0x70, 0x70)
"""Colour of times: on white it has the contrast of 4.5 that WCAG 2.1 asks for."""

STRONG = {"L": False, "R": True, "AL": True}
"""Kinds of letters that decide on the direction of a text, and whether it runs from right to left."""


def word(transcript: govor.Transcript, shown: govor.Presentation) -> bytes:
    """Return the bytes of the file."""
    document = Document()
    title = title_of(shown)
    _describe(document, title, transcript.language)
    to_left = _style_to_left(document)
    document.add_heading(title, level=1)
    for part in contents(transcript, shown):
        _add(document, part, to_left)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def runs_to_left(text: str) -> bool:
    """Return whether a text runs from right to left, as its first letter with a direction (UAX #9, P2)."""
    kinds = map(unicodedata.bidirectional, text)
    return next((STRONG[kind] for kind in kinds if kind in STRONG), False)


def _describe(document: WordDocument, title: str, language: str | None) -> None:
    """Set the properties that python-docx's template has, and the language for spelling checks."""
    known = document.core_properties
    known.title, known.author, known.comments, known.language = title, "", "", language or ""
    known.created = known.modified = datetime.now(UTC)
    if language:
        for element in document.styles.element.iter(qn("w:lang")):
            element.set(qn("w:val"), language)
            element.set(qn("w:bidi"), language)


def _style_to_left(document: WordDocument) -> ParagraphStyle:
    """Add and return the style of paragraphs from right to left."""
    style: ParagraphStyle = document.styles.add_style("Right to Left", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    style.element.get_or_add_pPr().append(OxmlElement("w:bidi"))
    return style


def _add(document: WordDocument, part: Spoken | Note, to_left: ParagraphStyle) -> None:
    if isinstance(part, Note):
        document.add_paragraph().add_run(part.text).italic = True
        return
    backwards = runs_to_left(part.text)
    paragraph = document.add_paragraph(style=to_left if backwards else None)
    paragraph.add_run(f"{part.time} ").font.color.rgb = GREY
    if part.speaker:
        name = paragraph.add_run(f"{part.speaker}: ")
        name.bold = True
        name.font.rtl = runs_to_left(part.speaker) or None
    paragraph.add_run(part.text).font.rtl = backwards or None
