"""GigaAM in torch keeps the contract, with small models of random weights in the operator's folder."""

from typing import ClassVar

import pytest

from govor.testing import BackendConformance

pytest.importorskip("torch", reason="GigaAM in torch needs torch")
pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")


class TestGigaAMTorch(BackendConformance):
    plugin = "gigaam-torch"
    models = ("small-ctc", "small-rnnt")
    settings: ClassVar = {
        "models": [
            {"id": f"small-{kind}", "folder": "made by the fixture", "checkpoint": f"v3_{kind}.ckpt"}
            for kind in ("ctc", "rnnt")
        ]
    }

    @pytest.fixture(scope="class")
    @classmethod
    def files(cls, spec, tmp_path_factory, make_network, make_tables, save):
        folder = tmp_path_factory.mktemp("models")
        network = make_network("v3", spec.id.removeprefix("small-"))
        save(folder / spec.files[0].name, network, make_tables(network))
        return folder
