"""Switch off the telemetry of libraries before any of them is imported.

Knows a library only by the variables that it reads and, if it is imported already, by its name.
"""

from __future__ import annotations

import os
import sys

OFF = (
    "ORT_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_UPDATE_CHECK",
    "DO_NOT_TRACK",
)
"""Variables that switch something off with 1.

ORT_…: onnxruntime 1.31 keeps an id of the device below ~/.cache/Microsoft and sends events to Microsoft (its
Privacy.md). HF_HUB_DISABLE_TELEMETRY: huggingface_hub 2.4 asks the hub for a list of coding agents, keeps it,
and says with every request which of them and which torch runs (utils/_detect_agent.py, utils/_headers.py);
transformers 5.23 adds what it was called for (utils/hub.py). …_UPDATE_CHECK: the hub's client asks the index
of packages for its newest version (cli/_cli_utils.py). DO_NOT_TRACK is for whatever else a plugin brings
(consoledonottrack.com).
"""

WANTED = frozenset({"0", "false", "no", "off"})
"""Values of a variable with which a user allows a library to send."""


def switch_off() -> None:
    """Set `OFF` for this process and those it starts, except what the user has explicitly left on."""
    for name in OFF:
        if not is_wanted(name):
            os.environ[name] = "1"
    runtime = sys.modules.get("onnxruntime")
    if runtime is not None and not is_wanted("ORT_DISABLE_TELEMETRY"):
        runtime.disable_telemetry_events()  # imported before Govor: too late for its variable


def is_wanted(name: str) -> bool:
    """Tell whether the environment explicitly leaves on what the variable would switch off."""
    return os.environ.get(name, "").strip().lower() in WANTED
