"""The weights from the package, and the project's own recording."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest

pytest.importorskip("govor_moonshine", reason="govor-moonshine is not installed")

import govor
import govor_moonshine
from govor.testing import read_audio


@pytest.fixture(scope="session")
def family():
    return govor_moonshine.backend({})


@pytest.fixture(scope="session")
def spec(family):
    (tiny,) = family.models()
    return tiny


@pytest.fixture(scope="session")
def weights(spec):
    """The folder of the package that holds the files."""
    path = spec.files[0].sources[0].removeprefix("package:moonshine-voice/")
    return Path(str(distribution("moonshine-voice").locate_file(path))).parent


@pytest.fixture(scope="session")
def loaded(family, spec, weights):
    recognizer = family.load(spec, weights, govor.RuntimeOptions("cpu"))
    yield recognizer
    recognizer.close()


@pytest.fixture(scope="session")
def speech():
    return read_audio(Path(__file__).parents[3] / "tests/data/en.wav")
