"""Which models the setting `weights` offers, and that a server finds their files."""

from pathlib import Path

import pytest

import govor
import govor_silero
from govor_silero.catalogue import PACKAGED

EACH = [each.model for each in PACKAGED.values()]


def offered(weights):
    return govor_silero.vad({"weights": weights}).models()


def test_every_distribution_is_offered_the_default_installs_first():
    assert [spec.id for spec in govor_silero.vad({}).models()] == EACH == ["silero-v6", "silero-v6-16k"]
    assert {spec.kind for spec in offered("auto")} == {govor.ModelKind.VAD}


@pytest.mark.parametrize(("distribution", "model"), list(zip(PACKAGED, EACH, strict=True)))
def test_a_distribution_that_was_chosen_is_the_only_one(distribution, model):
    (spec,) = offered(distribution)
    assert spec.id == model
    assert spec.files[0].sources[0].startswith(f"package:{distribution}/")


def test_a_path_is_the_operators_own_model(tmp_path):
    (spec,) = offered(str(tmp_path / "mine.onnx"))
    assert (spec.id, spec.folder, spec.files[0].name) == ("silero-own", str(tmp_path), "mine.onnx")


def test_a_path_is_not_looked_at_before_the_load():
    family = govor_silero.vad({"weights": "/nowhere/gone.onnx"})
    with pytest.raises(FileNotFoundError):
        family.load(family.models()[0], Path("/nowhere"), govor.RuntimeOptions())
