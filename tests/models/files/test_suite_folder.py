"""The suite for backends takes the files that `govor pull` has fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from govor.models.files.store import Store
from govor.testing import subject
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, file_of, model_of


class Suite(subject.BackendSubject):
    plugin = "small"


def test_fetched_files_are_used_and_missing_ones_are_named(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(file_of("weights.bin", hub.put("owner/small", "weights.bin", BYTES)))
    models = tmp_path / "models"
    monkeypatch.setenv("GOVOR_MODELS_DIR", str(models))
    monkeypatch.setattr(subject, "_models", lambda *_: [model])
    with pytest.raises(pytest.skip.Exception, match=rf"run `govor pull {model.spec.id}`, or override"):
        Suite().folder(model.spec, tmp_path / "root")
    fetched = Store(models, offline=False).install(model)
    assert Suite().folder(model.spec, tmp_path / "root") == fetched
