import dataclasses
import json

import pytest

from govor.contract.results import Segment
from govor.formats.rendering.formats import MEDIA_TYPES, SUFFIXES, render


@pytest.fixture
def answer(build):
    def answer(response_format):
        transcript = build(Segment("Привет.", 0.0, 1.0, speaker="A"))
        return render(transcript, response_format, words=True, segments=False, logprobs=False)

    return answer


@pytest.mark.parametrize("response_format", MEDIA_TYPES)
def test_every_format_renders_the_text(answer, response_format):
    body, media_type = answer(response_format)
    assert "Привет." in body
    assert media_type == MEDIA_TYPES[response_format]


def test_every_format_has_a_suffix_of_files():
    assert SUFFIXES.keys() == MEDIA_TYPES.keys()
    assert len(SUFFIXES) >= 8


def test_verbose_json_has_what_was_asked_for(answer):
    body = json.loads(answer("verbose_json")[0])
    assert "words" in body
    assert "segments" not in body


@pytest.mark.parametrize("response_format", MEDIA_TYPES)
def test_a_segment_of_controls_is_in_no_format(build, response_format):
    said = [Segment("One.", 0.0, 1.0, speaker="A"), Segment("Two.", 2.0, 3.0, speaker="A")]
    texts = "One. Two."
    bodies = [
        render(
            dataclasses.replace(build(*segments), text=texts),
            response_format,
            words=True,
            segments=True,
            logprobs=True,
        )
        for segments in (said, [said[0], Segment("\x01 ", 1.0, 2.0), said[1]])
    ]
    assert bodies[0] == bodies[1]
