"""The plugin keeps the contract, with small random models as an operator's own."""

from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar

import pytest

from govor.testing import BackendConformance
from govor_gigaam_onnx.graph.preparation import probe

HOME = Path(mkdtemp(prefix="govor-gigaam-"))
KINDS = {"my-ctc": "ctc", "my-rnnt": "rnnt", "my-e2e": "e2e_rnnt"}


@pytest.fixture(scope="module", autouse=True)
def _models(make_model):
    for model, kind in KINDS.items():
        make_model(kind, HOME / model)


class TestGigaamOnnx(BackendConformance):
    plugin = "gigaam-onnx"
    models = tuple(KINDS)
    settings: ClassVar = {
        "threads": 2,
        "models": [{"id": model, "folder": str(HOME / model)} for model in KINDS],
    }

    def folder(self, spec, root):
        return Path(spec.folder)

    def speech(self):
        return probe(2.5)
