"""Runs the suite that every backend must pass, in a process of its own, on an installed plugin."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from govor.errors import ConfigurationError

SPEECH_SECONDS = 20.0
"""Most seconds of the recording that the suite uses."""

TESTS = """
import json
from pathlib import Path

from govor.contract.audio import SAMPLE_RATE
from govor.testing import BackendConformance, read_audio

SUBJECT = json.loads((Path(__file__).parent / "subject.json").read_text(encoding="utf-8"))


class TestBackend(BackendConformance):
    plugin = SUBJECT["plugin"]
    settings = SUBJECT["settings"]
    models = tuple(SUBJECT["folders"])
    device = SUBJECT["device"]

    def folder(self, spec, root):
        return Path(SUBJECT["folders"][spec.id])

    def speech(self):
        if not SUBJECT["recording"]:
            return super().speech()
        return read_audio(Path(SUBJECT["recording"]))[: round(SUBJECT["speech_seconds"] * SAMPLE_RATE)]
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A plugin, and its models with the folders of their files."""

    plugin: str
    settings: Mapping[str, Any]
    """The plugin's own table."""
    folders: Mapping[str, str]
    """Folder by model id; empty: only the plugin itself is tested."""
    device: str
    recording: str = ""
    """Path of the speech; empty: a hum."""
    speech_seconds: float = SPEECH_SECONDS


def run_suite(subject: Subject) -> bool:
    """Run the suite, which prints its results; return whether it passed. Raises ConfigurationError."""
    if importlib.util.find_spec("pytest") is None:
        raise ConfigurationError("The suite for backends needs pytest: `pip install pytest`.")
    with tempfile.TemporaryDirectory() as folder:
        tests = Path(folder) / "test_backend.py"
        tests.write_text(TESTS, encoding="utf-8")
        text = json.dumps(asdict(subject), default=str)
        (Path(folder) / "subject.json").write_text(text, encoding="utf-8")
        options = ("-q", "--no-header", "-p", "no:cacheprovider", "--rootdir", folder, "--tb=short")
        command = [sys.executable, "-m", "pytest", *options, str(tests)]
        sys.stdout.flush()
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own code
