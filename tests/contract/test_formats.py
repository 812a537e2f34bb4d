"""A response format states a name, a media type and a suffix that clients and files can have."""

import pytest

from govor import ResponseFormat
from govor.contract.texts.formats import checked_formats


def of(name="csv", media_type="text/csv", suffix=".csv", render=lambda transcript, shown: ""):
    return ResponseFormat(name, media_type, suffix, render)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "CSV"),
        ("name", "a,b"),
        ("name", "a" * 41),
        ("name", None),
        ("suffix", "csv"),
        ("suffix", "./csv"),
        ("suffix", "."),
        ("media_type", "csv"),
        ("media_type", "text/csv\r\nx: y"),
        ("render", "csv"),
    ],
)
def test_an_impossible_value_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        of(**{field: value})


@pytest.mark.parametrize("media_type", ["text/csv; charset=utf-8", "application/x+json", "audio/vnd.a.b-c"])
def test_any_media_type_will_do(media_type):
    assert of(media_type=media_type).media_type == media_type


def test_the_same_name_twice_is_a_mistake():
    with pytest.raises(ValueError, match="'csv' is declared twice"):
        checked_formats([of(), of()])


def test_something_else_than_a_format_is_a_mistake():
    with pytest.raises(TypeError, match="gave str instead of ResponseFormat"):
        checked_formats(["csv"])
