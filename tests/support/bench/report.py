"""Report of every measurement: its figures, the machine, the versions, the command."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "govor",
    "faster-whisper",
    "ctranslate2",
    "onnxruntime",
    "onnx-asr",
    "wyoming-faster-whisper",
    "av",
)


def report(bench: str, figures: dict[str, Any]) -> None:
    """Print one measurement as a line of JSON."""
    command = f"make bench ARGS='-k {bench}'"
    print(json.dumps({"bench": bench, "command": command, **machine(), "figures": figures}))


def machine() -> dict[str, Any]:
    """Return the conditions of the figures."""
    return {
        "cpu": cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := installed(name))},
    }


def cpu() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median, the 95th percentile, and the number of values."""
    return {
        "p50": round(float(np.percentile(seconds, 50)), 3),
        "p95": round(float(np.percentile(seconds, 95)), 3),
        "n": len(seconds),
    }
