"""Each name means one model: the choice between models with one name, and the other names of the rest."""

import pytest

from govor.contract.models import ModelSpec
from govor.models.catalogue import Catalogue
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of


def catalogue(order=(), aliases=(), **families):
    """Return the catalogue of families, given as lists of ids or specs."""
    fakes = {name: FakeBackend(*models) for name, models in families.items()}
    return Catalogue(plugins_of(Settings(order=order), **fakes), dict(aliases))


def small(*aliases):
    return ModelSpec("small", aliases=aliases)


def found(known, name):
    """Return the plugin/id of a name's model."""
    model = known.find(name)
    return model and model.qualified


def test_models_come_in_the_order_of_their_plugins():
    known = catalogue(order=("b",), a=["one", "two"], b=["three"])
    assert [model.id for model in known] == ["three", "one", "two"]


def test_every_model_answers_to_its_id_its_aliases_and_plugin_slash_id():
    known = catalogue(a=[small("s", "tiny")])
    assert {found(known, name) for name in ("small", "s", "tiny", "a/small")} == {"a/small"}
    assert next(iter(known)).aliases == ("s", "tiny")


def test_an_unknown_name_has_no_model():
    assert catalogue(a=["small"]).find("large") is None


def test_an_alias_that_leads_nowhere_is_known():
    aliases = {"boss": "smal", "a": "small", "b": "default", "c": "auto", "d": "owner/later", "e": "boss"}
    assert list(catalogue(a=["small"], aliases=aliases).lost_aliases()) == [("boss", "smal"), ("e", "smal")]


def test_the_first_plugin_in_order_keeps_an_id_and_the_other_answers_as_plugin_slash_id():
    known = catalogue(order=("b",), a=["small"], b=["small"])
    assert [model.id for model in known] == ["small", "a/small"]
    assert found(known, "small") == "b/small"
    assert (found(known, "a/small"), found(known, "b/small")) == ("a/small", "b/small")


def test_the_first_plugin_in_order_keeps_an_alias():
    known = catalogue(a=[small("s")], b=[ModelSpec("tiny", aliases=("s", "t"))])
    assert (found(known, "s"), found(known, "t")) == ("a/small", "b/tiny")
    assert [model.aliases for model in known] == [("s",), ("t",)]


def test_an_id_is_stronger_than_an_alias_in_any_order():
    known = catalogue(a=[ModelSpec("tiny", aliases=("small",))], b=["small"])
    assert found(known, "small") == "b/small"
    assert known.find("tiny").aliases == ()


def test_an_operators_alias_is_stronger_than_a_models_own():
    known = catalogue(aliases={"s": "tiny"}, a=[small("s")], b=["tiny"])
    assert found(known, "s") == "b/tiny"
    assert known.find("small").aliases == ()
    assert known.find("tiny").aliases == ("s",)


@pytest.mark.parametrize("families", [("a", "b"), ("b", "a")])
def test_an_operators_alias_is_stronger_than_an_id(families):
    holder, target = families
    known = catalogue(aliases={"small": "tiny"}, **{holder: ["small"], target: ["tiny"]})
    assert found(known, "small") == f"{target}/tiny"
    assert found(known, f"{holder}/small") == f"{holder}/small"


@pytest.mark.parametrize("target", ["small", "s", "a/small", "SMALL", "mine"])
def test_an_operators_alias_may_lead_to_any_name_of_a_model(target):
    known = catalogue(aliases={"mine": "small", "yours": target}, a=[small("s")])
    assert found(known, "yours") == "a/small"


def test_an_operators_alias_leads_to_the_model_that_keeps_the_name():
    known = catalogue(aliases={"mine": "s"}, a=[small("s")], b=[ModelSpec("tiny", aliases=("s",))])
    assert found(known, "mine") == "a/small"
    assert [model.aliases for model in known] == [("s", "mine"), ()]


def test_an_operators_alias_of_a_model_that_is_not_there_leads_nowhere():
    known = catalogue(aliases={"mine": "absent"}, a=["small"])
    assert known.find("mine") is None


@pytest.mark.parametrize("name", ["SMALL", "Tiny", "A/Small", "MINE"])
def test_case_does_not_matter(name):
    known = catalogue(aliases={"mine": "small"}, a=[small("tiny")])
    assert found(known, name) == "a/small"


def test_case_matters_where_two_names_differ_by_it():
    known = catalogue(a=["Small"], b=["small"])
    assert (found(known, "Small"), found(known, "small")) == ("a/Small", "b/small")
    assert found(known, "SMALL") == "a/Small"


@pytest.mark.parametrize("name", ["default", "whisper-1", "Whisper-1", "DEFAULT"])
def test_default_and_its_aliases_mean_the_preference_list(name):
    known = catalogue(aliases={"whisper-1": "default", "mine": "small"}, a=["small"])
    assert known.means_default(name)
    assert not known.means_default("mine")


def test_a_model_called_default_still_answers_as_plugin_slash_id():
    known = catalogue(a=["default"])
    assert known.means_default("default")
    assert not known.means_default("a/default")
    assert found(known, "a/default") == "a/default"


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("gpt-4o-2025-03-20", "a/small"),
        ("GPT-4o-2027-12-31", "a/small"),
        ("gpt-4o-2025-03-21", "a/gpt-4o-2025-03-21"),
        ("gpt-4o-2025-13", None),
        ("other-2025-03-20", None),
    ],
)
def test_an_alias_with_a_date_behind_it_is_that_alias_unless_a_model_has_the_name(name, leads_to):
    known = catalogue(aliases={"gpt-4o": "small"}, a=["small", "gpt-4o-2025-03-21"])
    assert found(known, name) == leads_to


@pytest.mark.parametrize(
    ("models", "leads_to"), [(["small"], "a/small"), (["small", "whisper"], "a/whisper")]
)
def test_whisper_means_the_default_unless_a_model_has_the_name(models, leads_to):
    assert found(catalogue(aliases={"whisper-1": "small"}, a=models), "whisper") == leads_to


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("openai/gpt-4o", "a/small"),
        ("OpenAI/GPT-4o-2027-12-31", "a/small"),
        ("openai/base", "a/base"),
        ("openai/small", None),
        ("other/gpt-4o", None),
        ("openai/", None),
    ],
)
def test_an_alias_behind_its_maker_is_that_alias_unless_a_model_has_the_name(name, leads_to):
    spec = ModelSpec("base", aliases=("openai/base",))
    known = catalogue(aliases={"gpt-4o": "small", "base": "small"}, a=["small", spec])
    assert found(known, name) == leads_to
