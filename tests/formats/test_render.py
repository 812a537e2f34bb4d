import json

import pytest

from govor.errors import InvalidParam
from govor.formats import MEDIA_TYPES, render
from govor.types import Segment


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


def test_verbose_json_has_what_was_asked_for(answer):
    body = json.loads(answer("verbose_json")[0])
    assert "words" in body
    assert "segments" not in body


@pytest.mark.parametrize("response_format", ["", "JSON", "diarised_json", "yaml"])
def test_an_unknown_format_is_a_wrong_parameter(answer, response_format):
    with pytest.raises(InvalidParam, match="verbose_json") as refusal:
        answer(response_format)
    assert refusal.value.param == "response_format"
