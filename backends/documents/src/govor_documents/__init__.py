"""Transcripts as documents: the response formats md and docx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import govor

GOVOR_CONTRACT = (1, 0)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@govor.hookimpl
def formats(settings: Mapping[str, Any]) -> Sequence[govor.ResponseFormat]:
    """Return both formats. Raises ValueError if there are settings: there is nothing to set."""
    if settings:
        raise ValueError(f"[plugins.documents] has no keys, but '{next(iter(settings))}' is set")
    return [
        govor.ResponseFormat("md", "text/markdown; charset=utf-8", ".md", _markdown),
        govor.ResponseFormat("docx", DOCX, ".docx", _word),
    ]


def _markdown(transcript: govor.Transcript, shown: govor.Presentation) -> str:
    from govor_documents.markdown import markdown

    return markdown(transcript, shown)


def _word(transcript: govor.Transcript, shown: govor.Presentation) -> bytes:
    from govor_documents.word import word  # imports python-docx and lxml

    return word(transcript, shown)
