"""Builders of transcripts."""

from collections.abc import Callable

import pytest

from govor.contract.results import Segment, Task, Transcript

Build = Callable[..., Transcript]


@pytest.fixture
def build() -> Build:
    def build(
        *segments: Segment, duration: float = 10.0, language: str | None = "en", task: Task = "transcribe"
    ) -> Transcript:
        text = " ".join(segment.text for segment in segments)
        return Transcript(text, segments, duration, language, task, model="fake")

    return build
