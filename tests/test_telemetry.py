"""Importing Govor is enough to keep libraries from sending telemetry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from govor import telemetry
from support.processes.server_processes import printed_by

LATE = """
import sys, types
runtime = types.ModuleType("onnxruntime")
runtime.disable_telemetry_events = lambda: print("off")
sys.modules["onnxruntime"] = runtime
import govor
"""


def run(code: str, **variables: str) -> str:
    """Return the output of a fresh interpreter, in which only the given ones of these variables are set."""
    return printed_by(code, *telemetry.OFF, **variables)


def variables_after(code: str, **variables: str) -> dict[str, Any]:
    told = run(f"{code}\nimport json, os; print(json.dumps(dict(os.environ)))", **variables)
    return {name: json.loads(told).get(name) for name in telemetry.OFF}


@pytest.mark.parametrize(
    "module", ["govor", "govor.cli", "govor.contract.recognizers", "govor_silero", "govor_whisper"]
)
def test_importing_anything_of_govor_switches_all_of_it_off(module: str) -> None:
    assert variables_after(f"import {module}") == dict.fromkeys(telemetry.OFF, "1")


@pytest.mark.parametrize("value", ["", "1", "true", "yes please"])
def test_values_that_do_not_clearly_say_on_are_off(value: str) -> None:
    assert variables_after("import govor", ORT_DISABLE_TELEMETRY=value)["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize("value", ["0", "False", " off "])
def test_a_user_who_wants_a_library_to_send_has_the_last_word(value: str) -> None:
    found = variables_after("import govor", ORT_DISABLE_TELEMETRY=value)
    assert found.pop("ORT_DISABLE_TELEMETRY") == value
    assert set(found.values()) == {"1"}


def test_processes_that_govor_starts_inherit_it() -> None:
    child = "import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    code = f"import govor, subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    assert run(code) == "1"


def test_a_runtime_that_was_imported_before_is_switched_off() -> None:
    assert run(LATE) == "off"
    assert run(LATE, ORT_DISABLE_TELEMETRY="0") == ""


def test_the_hubs_client_names_neither_torch_nor_an_agent_and_asks_no_list_of_them() -> None:
    code = (
        "import govor\nfrom govor.models.download.hub import hub_headers\n"
        "import huggingface_hub.utils._detect_agent as agents\n"
        "agents._load_registry = lambda: print('asked')\n"
        "print(hub_headers()['user-agent'])"
    )
    told = run(code, AI_AGENT="somebody")
    assert "asked" not in told
    assert {part.split("/")[0].strip() for part in told.split(";")} == {"govor", "hf_hub", "python"}
