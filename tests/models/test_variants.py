"""The operator's precision chooses the files and the memory of a model that is published in several."""

from __future__ import annotations

from dataclasses import replace

import pytest

from govor.contract.models import ModelFile, ModelSpec, Variant
from govor.models.catalogue import Catalogue, Model
from govor.settings import Settings
from govor.settings.model import ModelSettings
from govor.testing import FakeBackend, plugins_of
from govor.testing.faults import file_faults, variant_faults

EXACT = Variant("fp32", (ModelFile("a.bin", ("https://example.org/a.bin",), 40),), 100)
SMALL = Variant("int8", (ModelFile("a.int8.bin", ("https://example.org/a.int8.bin",), 10),), 30)
SPEC = ModelSpec("speech", aliases=("talk",), variants=(EXACT, SMALL))


def known(**precisions: str) -> Model:
    """Return the model as the catalogue has it with such tables [models.NAME]."""
    tables = {name: ModelSettings(precision=precision) for name, precision in precisions.items()}
    found = Catalogue(plugins_of(Settings(), family=FakeBackend(SPEC)), {}, (), tables).find("speech")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("precisions", "variant"),
    [
        ({}, EXACT),
        ({"speech": "int8"}, SMALL),
        ({"talk": "int8"}, SMALL),
        ({"family/speech": "int8"}, SMALL),
        ({"family_speech": "int8"}, SMALL),
        ({"speech": "auto"}, EXACT),
        ({"speech": "bf16"}, EXACT),
        ({"other": "int8"}, EXACT),
    ],
)
def test_the_operators_precision_chooses_the_variant(precisions: dict[str, str], variant: Variant) -> None:
    spec = known(**precisions).spec
    assert (spec.files, spec.memory, spec.size) == (variant.files, variant.memory, variant.size)
    assert spec.variants == (EXACT, SMALL)


def test_another_precision_is_chosen_when_the_settings_change() -> None:
    catalogue = Catalogue(plugins_of(Settings(), family=FakeBackend(SPEC)), {})
    catalogue.change({"mine": "speech"}, {"speech": ModelSettings(precision="int8")})
    model = catalogue.find("mine")
    assert model is not None
    assert model.spec.files == SMALL.files


def test_a_model_without_variants_stays_as_it_is() -> None:
    spec = ModelSpec("plain", EXACT.files, memory=7)
    assert spec.in_precision("int8") is spec


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (replace(SPEC, variants=(EXACT, EXACT)), "two variants have one precision: fp32, fp32"),
        (replace(SPEC, variants=(replace(EXACT, precision="auto"),)), "name the number format of each"),
        (replace(SPEC, files=EXACT.files), "not beside them"),
    ],
)
def test_wrong_variants_are_reported_with_their_remedy(spec: ModelSpec, told: str) -> None:
    (fault,) = variant_faults(spec)
    assert told in fault


def test_the_files_of_every_variant_are_checked() -> None:
    assert file_faults(SPEC) == variant_faults(SPEC) == []
    spoilt = replace(SMALL, files=(ModelFile("a.int8.bin", ()),))
    (fault,) = file_faults(replace(SPEC, variants=(EXACT, spoilt)))
    assert "has no source" in fault
