"""The plugin as the core loads it."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import govor
import govor_diarizer


def test_the_entry_point_leads_to_the_plugin():
    (entry,) = entry_points(group="govor", name="diarizer")
    assert entry.load() is govor_diarizer


def test_every_file_is_pinned_by_size_and_hash():
    for file in govor_diarizer.diarizer({}).models()[0].files:
        assert file.size > 1_000_000
        assert len(file.sha256) == 64


@pytest.mark.parametrize(
    "settings", [{"treshold": 0.5}, {"threshold": 0}, {"threshold": 1.5}, {"known_threshold": "high"}]
)
def test_settings_that_make_no_sense_are_a_value_error(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        govor_diarizer.diarizer(settings)


def test_importing_the_plugin_imports_nothing_heavy():
    heavy = {"onnx", "onnxruntime", "torch", "scipy"}
    code = f"import govor_diarizer, sys; print({heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "runtime",
    [
        govor.RuntimeOptions("mps"),
        govor.RuntimeOptions("cuda:7"),
        govor.RuntimeOptions("cpu", precision="int8"),
    ],
)
def test_the_error_names_the_impossible_device(runtime, tmp_path):
    family = govor_diarizer.diarizer({})
    with pytest.raises(govor.LoadFailed, match="diarizer"):
        family.load(family.models()[0], tmp_path, runtime)


@pytest.mark.parametrize("content", [b"", b"no network at all"])
def test_a_damaged_file_is_named(content, tmp_path):
    family = govor_diarizer.diarizer({})
    for file in family.models()[0].files:
        (tmp_path / file.name).write_bytes(content)
    with pytest.raises(govor.LoadFailed, match=r"segmentation\.onnx"):
        family.load(family.models()[0], tmp_path, govor.RuntimeOptions("cpu"))
