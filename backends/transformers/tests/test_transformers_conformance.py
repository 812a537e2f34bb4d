"""Models of transformers keep the contract: one small model of each class, with random weights."""

from typing import ClassVar

import pytest

pytest.importorskip("transformers", reason="govor-transformers is not installed")

from govor.testing import BackendConformance
from support.models.random_speech_models import BUILDERS

QUICK = ("whisper", "wav2vec2")
"""The models whose conformance the quick tests check: a sequence and a CTC."""


class TestTransformers(BackendConformance):
    plugin = "transformers"
    models = QUICK
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


@pytest.mark.slow
class TestOtherTransformers(TestTransformers):
    """The other families: each model's process imports torch and transformers again."""

    models = tuple(kind for kind in BUILDERS if kind not in QUICK)
