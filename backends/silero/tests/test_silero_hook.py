"""The plugin as the core loads it."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

import govor
import govor_silero


def test_the_entry_point_leads_to_the_plugin():
    (entry,) = entry_points(group="govor", name="silero")
    assert entry.load() is govor_silero


def test_the_family_loads_a_detector_of_512_samples():
    package = pytest.importorskip("faster_whisper")
    family = govor_silero.vad({})
    spec = family.models()[0]
    detector = family.load(spec, Path(package.__file__).parent / "assets", govor.RuntimeOptions())
    assert detector.frame == 512
    stream = detector.stream()
    assert stream.feed(np.zeros(1024, np.float32)).max() < 0.5
    detector.close()
    assert stream.feed(np.zeros(1024, np.float32)).max() < 0.5, "its last call may come later"


@pytest.mark.parametrize("settings", [{"weight": "auto"}, {"weights": "fast-whisper"}, {"weights": 6}])
def test_settings_that_make_no_sense_are_a_value_error(settings):
    with pytest.raises(ValueError, match="weight"):
        govor_silero.vad(settings)


def test_importing_the_plugin_imports_nothing_heavy():
    heavy = {"numpy", "onnx", "onnxruntime", "faster_whisper", "torch", "silero_vad"}
    code = f"import govor_silero, sys; print({heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
