"""Join segments to the one transcript that every format renders. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from govor.contract.recognizers import Options
from govor.contract.results import Notice, Segment, Transcript
from govor.formats.text import join_texts


def assemble(
    segments: Sequence[Segment],
    options: Options,
    *,
    duration: float,
    model: str,
    notices: tuple[Notice, ...] = (),
) -> Transcript:
    """Return the transcript of a recording of `duration` seconds; `model` is the id of its model."""
    return Transcript(
        text=join_texts(segments, options.language, task=options.task),
        segments=tuple(segments),
        duration=duration,
        language=options.language or _spoken(segments),
        task=options.task,
        model=model,
        notices=notices,
    )


def _spoken(segments: Sequence[Segment]) -> str | None:
    """Return the language of most of the recording."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for segment in segments:
        if segment.language:
            seconds[segment.language] += (segment.end or 0.0) - (segment.start or 0.0)
    return max(seconds, key=seconds.__getitem__, default=None)
