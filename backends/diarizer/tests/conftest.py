"""The real networks, from the packages that `make test` downloads; without them, tests are skipped."""

from __future__ import annotations

import pytest

pytest.importorskip("govor_diarizer", reason="govor-diarizer is not installed")

import govor
from diarization.material import EMBEDDING, SAMPLE, SEGMENTATION, read_member, read_wav
from govor_diarizer import diarizer


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """The folder of the networks, as the core passes it."""
    folder = tmp_path_factory.mktemp("diarizer")
    for file, member in zip(diarizer({}).models()[0].files, (SEGMENTATION, EMBEDDING), strict=True):
        try:
            data = read_member(member)
        except FileNotFoundError:
            pytest.skip("the networks are not here; `make test` downloads them")
        assert (len(data), member.sha256) == (file.size, file.sha256)
        (folder / file.name).write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def voices(weights):
    """The diarizer with default settings."""
    family = diarizer({})
    loaded = family.load(family.models()[0], weights, govor.RuntimeOptions("cpu"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def sample():
    """Thirty seconds of a telephone call of two people."""
    try:
        return read_wav(read_member(SAMPLE))
    except FileNotFoundError:
        pytest.skip("the sample is not here; `make test` downloads it")
