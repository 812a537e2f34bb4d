"""Transcripts, and the formats as the core finds them."""

from collections.abc import Callable

import pytest

pytest.importorskip("govor_documents", reason="govor-documents is not installed")

import govor
from govor_documents import formats

Render = Callable[..., str | bytes]


@pytest.fixture
def render() -> Render:
    """Render paragraphs in a format."""
    by_name = {each.name: each for each in formats({})}

    def render(
        name: str,
        *paragraphs: govor.Paragraph,
        title: str = "",
        language: str | None = "en",
        notices: tuple[govor.Notice, ...] = (),
    ) -> str | bytes:
        text = " ".join(paragraph.text for paragraph in paragraphs)
        transcript = govor.Transcript(text, (), 60.0, language, "transcribe", "fake", notices)
        return by_name[name].render(transcript, govor.Presentation(paragraphs, title))

    return render
