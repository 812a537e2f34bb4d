"""A model is asked only what it can do, and a client is told what it cannot."""

from __future__ import annotations

import pytest

from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.engine.transcription.options import expect, honour, likely_languages
from govor.errors import ConfigurationError, UnsupportedOperation

EVERYTHING = Options(
    task="translate",
    language="ru",
    languages=("ru", "en"),
    prompt="Hello.",
    keywords=("Govor",),
    temperature=0.7,
    words=True,
    logprobs=True,
)


def test_a_model_that_can_do_all_is_asked_all() -> None:
    assert honour(EVERYTHING, ModelSpec("able", features=frozenset(Feature))) == (EVERYTHING, ())


@pytest.mark.parametrize(
    ("name", "value", "feature"),
    [
        ("prompt", "Hello.", Feature.PROMPT),
        ("keywords", ("Govor",), Feature.KEYWORDS),
        ("temperature", 0.7, Feature.TEMPERATURE),
        ("words", True, Feature.WORDS),
        ("logprobs", True, Feature.LOGPROBS),
    ],
)
def test_what_a_model_cannot_do_is_named_and_not_asked(name: str, value: object, feature: Feature) -> None:
    options = Options(**{name: value})  # type: ignore[arg-type]
    without = ModelSpec("plain", features=frozenset(Feature) - {feature})
    assert honour(options, without) == (Options(), (name,))
    assert honour(options, ModelSpec("able", features=frozenset({feature}))) == (options, ())


def test_a_temperature_of_zero_asks_for_nothing() -> None:
    assert honour(Options(temperature=0.0), ModelSpec("plain")) == (Options(), ())


def test_a_temperature_of_zero_reaches_a_model_that_has_one() -> None:
    options = Options(temperature=0.0)
    assert honour(options, ModelSpec("able", features=frozenset({Feature.TEMPERATURE}))) == (options, ())


def test_options_at_their_defaults_are_never_named() -> None:
    assert honour(Options(), ModelSpec("plain", languages=("ru",))) == (Options(), ())


def test_a_translation_by_a_model_that_cannot_is_refused() -> None:
    with pytest.raises(UnsupportedOperation, match="'plain' cannot translate") as caught:
        honour(Options(task="translate"), ModelSpec("plain"))
    assert caught.value.param == "model"


def test_a_language_that_the_model_does_not_know_is_named_and_left_to_the_model() -> None:
    russian = ModelSpec("russian", languages=("ru",))
    assert honour(Options(language="fr"), russian) == (Options(), ("language",))
    assert honour(Options(language="ru"), russian) == (Options(language="ru"), ())


LINGUIST = ModelSpec("linguist", languages=("ru", "en"), features=frozenset({Feature.DETECT}))


def test_where_a_client_says_no_language_those_count_that_the_operator_holds_likely() -> None:
    assert expect(Options(), LINGUIST, ("ru", "fr", "en")).languages == ("ru", "en")


@pytest.mark.parametrize("said", [Options(language="en"), Options(languages=("en",))])
def test_a_client_that_says_a_language_goes_before_the_operator(said: Options) -> None:
    assert expect(said, LINGUIST, ("ru",)) == said


def test_a_model_that_cannot_tell_languages_is_given_none() -> None:
    assert expect(Options(), ModelSpec("plain"), ("ru",)) == Options()


def test_likely_languages_are_spelled_as_in_requests() -> None:
    assert likely_languages(["Russian", "en-US", "en"]) == ("ru", "en")
    with pytest.raises(ConfigurationError, match="languages: 'klingon'"):
        likely_languages(["klingon"])


def test_of_several_languages_those_that_the_model_knows_remain() -> None:
    options = Options(languages=("fr", "ru", "en"))
    model = ModelSpec("two", languages=("en", "ru"))
    assert honour(options, model) == (Options(languages=("ru", "en")), ("languages",))


def test_a_model_of_any_language_is_told_every_language() -> None:
    options = Options(language="sw", languages=("sw", "fr"))
    assert honour(options, ModelSpec("any")) == (options, ())


def test_several_things_are_named_in_a_fixed_order() -> None:
    options = Options(language="fr", prompt="x", words=True, temperature=1.0)
    _, ignored = honour(options, ModelSpec("plain", languages=("ru",)))
    assert ignored == ("prompt", "temperature", "words", "language")
