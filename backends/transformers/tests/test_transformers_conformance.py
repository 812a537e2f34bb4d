"""Models of transformers keep the contract: one small model of each class, with random weights."""

from typing import ClassVar

import pytest

pytest.importorskip("transformers", reason="govor-transformers is not installed")

from govor.testing import BackendConformance
from support.models.random_speech_models import BUILDERS


class TestTransformers(BackendConformance):
    plugin = "transformers"
    models = tuple(BUILDERS)
    settings: ClassVar = {
        "models": [
            {"id": kind, "folder": f"made by the fixture/{kind}", "family": family, **more}
            for kind, family, more in (
                ("whisper", "whisper", {}),
                ("moonshine", "sequence", {"languages": ["en"]}),
                ("wav2vec2", "ctc", {}),
                ("hubert", "ctc", {"languages": ["en"]}),
                ("mms", "ctc", {"adapters": {"en": "eng", "ru": "rus"}}),
                ("voxtral", "voxtral", {}),
            )
        ]
    }

    @pytest.fixture(scope="class")
    @classmethod
    def files(cls, spec, build):
        return build(spec.id)
