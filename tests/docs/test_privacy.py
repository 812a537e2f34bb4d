"""Every promise of docs/explanation/privacy.md has tests, which are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from govor import telemetry

ROOT = Path(__file__).parents[2]
QUIET_SERVER = (
    "quiet/test_quiet.py::test_a_server_that_has_loaded_every_plugin_asks_nobody_and_writes_nowhere_else"
)

PROOFS = {
    "An upload": (
        "api/body/test_uploads.py::test_the_spooled_file_is_gone_when_the_answer_is_there",
        "api/body/test_uploads.py::test_a_client_that_leaves_in_mid_upload_leaves_nothing_behind",
    ),
    "An upload of a server that was killed": (
        "cli/serve/test_restart.py::test_the_upload_of_a_killed_server_is_cleared_away_and_that_of_a_living_one_is_not",
    ),
    "A recording at a `file_url`": (
        "api/body/test_file_url.py::test_a_recording_is_fetched_and_transcribed_and_nothing_stays",
        "api/body/test_file_url.py::test_clients_that_leave_while_a_recording_is_fetched_leave_nothing_behind",
    ),
    "The recording of a job": (
        "jobs/storage/test_store.py::test_a_recording_that_no_job_waits_with_is_swept_away",
        "api/audio/jobs/test_jobs.py::test_a_job_is_queued_worked_on_and_done",
    ),
    "The text of a job, with its options and the file's name, without keys": (
        "api/audio/jobs/test_jobs.py::test_a_client_sees_the_jobs_of_its_own_key_only",
        "api/audio/jobs/test_jobs.py::test_a_finished_job_is_forgotten_after_its_time",
        "jobs/storage/test_store.py::test_what_is_forgotten_gives_its_room_on_the_disk_back",
        "api/audio/jobs/test_jobs.py::test_a_server_without_jobs_leaves_no_trace_on_the_disk",
    ),
    "Models": (
        "models/files/test_removal.py::test_a_deleted_model_is_gone_and_its_room_is_free",
        "models/files/test_removal.py::test_unused_files_are_pruned",
    ),
    "Files of models from the Hugging Face hub": (
        "models/download/test_hub_cache.py::test_a_fetched_file_is_on_the_disk_once",
        "models/files/test_removal.py::test_files_left_in_the_hubs_cache_are_reported",
    ),
    "Requests in the log": (
        "operations/test_processes.py::test_the_access_log_names_client_status_model_and_audio_but_no_query",
    ),
    "Figures for Prometheus": (
        "operations/test_metrics.py::test_no_client_can_make_a_label",
        "operations/test_metrics.py::test_without_the_setting_there_are_none",
    ),
    "Anything else": (
        QUIET_SERVER,
        "quiet/test_quiet.py::test_a_terminal_asks_nobody_and_writes_nowhere_else",
    ),
    "always": ("cli/serve/test_command.py::test_it_listens_on_loopback_only",),
    "no client asks for anything": (
        QUIET_SERVER,
        "quiet/test_quiet.py::test_a_terminal_asks_nobody_and_writes_nowhere_else",
    ),
    "a model is fetched: `govor pull`, `POST /v1/models`, or a first request with `auto_pull` on": (
        "models/files/test_store_failures.py::test_a_token_is_sent_to_the_hub",
        "test_telemetry.py::test_the_hubs_client_names_neither_torch_nor_an_agent_and_asks_no_list_of_them",
    ),
    "the embedded weights fail their check": (
        "models/files/test_store.py::test_a_package_with_other_bytes_counts_as_absent_and_the_hub_is_asked",
    ),
    "a request has a `file_url`, and `file_urls` is on": (
        "api/body/test_file_url.py::test_no_address_is_called_unless_the_operator_says_so",
    ),
    "a job has a `webhook_url`, and `file_urls` and `webhook_secret` are set": (
        "api/audio/jobs/test_webhooks.py::test_a_webhook_that_may_not_be_sent_is_refused_when_the_job_is_handed_in",
        "api/audio/jobs/test_webhooks.py::test_a_finished_job_is_told_with_a_signature",
    ),
    "`OTEL_EXPORTER_OTLP_ENDPOINT` is set, and the extra `otel` installed": (
        "operations/test_traces.py::test_without_the_variables_there_are_none",
    ),
    "`/docs` is open in a browser": (
        "api/openapi/test_document.py::test_the_page_loads_everything_from_this_server",
        "api/openapi/test_document.py::test_the_pages_style_loads_nothing_from_elsewhere",
    ),
}
"""Return the first column of a table, with the tests below tests/ that prove each row."""

OFFLINE = (
    "test_offline.py::test_offline_the_server_opens_no_socket_but_its_own",
    "models/files/test_store_failures.py::test_an_offline_store_asks_nobody",
)


@pytest.fixture
def page(pages: dict[str, Any]) -> Any:
    return pages["docs/explanation/privacy.md"]


@cache
def functions_in(path: str) -> set[str]:
    """Names of the functions in a file of tests."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def first_columns(text: str) -> list[str]:
    """First cells of all rows of tables, without those of their heads."""
    cells = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)
    return [cell for cell in cells if cell not in ("Data", "When", "Variable")]


def test_every_line_has_its_tests(page: Any) -> None:
    variables = {f"`{name}=1`" for name in telemetry.OFF}
    assert len(PROOFS) >= 10
    assert len(variables) >= 4
    assert set(first_columns(page.text)) == set(PROOFS) | variables


@pytest.mark.parametrize("proof", sorted({*OFFLINE, *(one for proofs in PROOFS.values() for one in proofs)}))
def test_the_tests_are_there(proof: str) -> None:
    path, name = proof.split("::")
    assert name in functions_in(path)


def test_the_values_that_leave_a_library_on_are_those_of_the_code(page: Any) -> None:
    (written,) = re.findall(r"a value of (.*?) in the environment", page.text.replace("\n", " "))
    assert set(re.findall(r"`(\w+)`", written)) == telemetry.WANTED
