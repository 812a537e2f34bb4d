"""The loaded model, made once."""

from collections.abc import Callable

import pytest

pytest.importorskip("govor_text", reason="govor-text is not installed")

import govor
from govor_text import text


@pytest.fixture(scope="session")
def normaliser() -> govor.TextProcessor:
    """The loaded model."""
    family = text({})
    (spec,) = family.models()
    return family.load(spec, None, govor.RuntimeOptions())


@pytest.fixture
def write(normaliser: govor.TextProcessor) -> Callable[[govor.Segment, str | None], govor.Segment]:
    """Write the numbers of a segment in digits."""

    def write(segment: govor.Segment, language: str | None) -> govor.Segment:
        (found,) = normaliser.process([segment], govor.TextOptions(language, itn=True))
        return found

    return write
