"""`govor jobs`: what a running server works on, at the terminal."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from govor.testing import hum
from support.sound import media
from support.waiting import eventually


@pytest.fixture
def job(server: Any) -> str:
    """A job of the shared server's, completed."""
    created = server.post(media.silence(3), model="echo", background="true").json()["id"]
    with server.client() as client:
        assert eventually(lambda: client.get(f"/v1/jobs/{created}").json()["status"] == "completed")
    return str(created)


@pytest.fixture
def run(shell: Any, server: Any) -> Callable[..., Any]:
    return lambda *args: shell.run("jobs", "--server", server.url, *args)


def test_jobs_are_listed_shown_and_forgotten(run: Any, job: str) -> None:
    listed = run()
    (row,) = [line for line in listed.stdout.splitlines() if job in line]
    _, state, _, done, model, error, file = row.split("\t")
    assert (state, done, model, error, file) == ("completed", "3 of 3 s", "echo", "", "audio")
    assert job in {entry["id"] for entry in json.loads(run("--json", "--status", "completed").stdout)["data"]}
    shown = json.loads(run("show", job).stdout)
    assert (shown["status"], shown["result"]["text"]) == ("completed", "")
    assert run("cancel", job).stdout == f"{job} is forgotten\n"
    gone = run("show", job)
    assert (gone.returncode, gone.stderr) == (1, f"govor: There is no job '{job}'.\n")


def test_a_server_that_is_not_there_is_one_line(shell: Any, free_port: int) -> None:
    result = shell.run("jobs", "--server", f"http://127.0.0.1:{free_port}")
    assert result.returncode == 1
    told = f"No server answers at http://127.0.0.1:{free_port}: Connection refused."
    assert result.stderr == f"govor: {told} Start one with `govor serve`.\n"


def test_recordings_are_handed_in_and_their_results_fetched(
    run: Callable[..., Any], shell: Any, server: Any
) -> None:
    (shell.folder / "talks").mkdir()
    for name in ("a.wav", "talks/b.wav"):
        (shell.folder / name).write_bytes(media.wav(hum(2.0)))
    handed = run("submit", "a.wav", "talks", "nothing.wav", "-m", "echo", "-f", "srt", "--no-vad")
    assert (handed.returncode, handed.stderr) == (1, "govor: nothing.wav: there is no such file.\n")
    made = [line.split("\t") for line in handed.stdout.splitlines()]
    assert [name for _, name in made] == ["a.wav", "talks/b.wav"]
    job = made[0][0]
    with server.client() as client:
        assert eventually(lambda: client.get(f"/v1/jobs/{job}").json()["status"] == "completed")
    assert "00:00:00,000 --> 00:00:02,000\n2.0 seconds." in run("result", job).stdout
    assert run("result", job, "--format", "txt").stdout == "2.0 seconds.\n"


def test_a_recording_that_cannot_be_read_is_told_in_words(run: Callable[..., Any], shell: Any) -> None:
    with socket.socket(socket.AF_UNIX) as plug:  # what even root cannot open
        plug.bind(str(shell.folder / "ru5.wav"))
    told = "govor: ru5.wav: No such device or address.\n"
    assert run("submit", "ru5.wav", "-m", "echo").stderr == told


def test_a_job_that_cannot_be_handed_in_names_its_recording(run: Callable[..., Any], shell: Any) -> None:
    (shell.folder / "a.wav").write_bytes(media.wav(hum(2.0)))
    refused = run("submit", "a.wav", "-m", "nonsense")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("govor: a.wav: The model 'nonsense' does not exist.")


def test_the_server_and_its_key_may_stand_before_the_subcommand_or_behind_it(
    shell: Any, serve: Any, free_port: int
) -> None:
    url = serve(api_keys=("sk-one",), models_dir=shell.folder).url
    (shell.folder / "a.wav").write_bytes(media.wav(hum(2.0)))
    told, wrong = ("--server", url, "--api-key", "sk-one"), ("--server", f"http://127.0.0.1:{free_port}")
    handed = shell.run("jobs", "submit", "a.wav", "-m", "echo", *told)
    assert handed.returncode == 0, handed.stderr
    job = handed.stdout.split("\t")[0]
    for words in (
        ("show", job, *told),
        (*told, "show", job),
        ("--api-key", "sk-one", "show", "--server", url, job),
        (*wrong, "show", job, *told),
    ):
        shown = shell.run("jobs", *words, GOVOR_SERVER=wrong[1])
        assert json.loads(shown.stdout)["id"] == job, shown.stderr
    assert eventually(lambda: '"completed"' in shell.run("jobs", "show", job, *told).stdout)
    assert shell.run("jobs", "result", job, *told, "-f", "txt").returncode == 0
    assert shell.run("jobs", "cancel", job, *told).stdout == f"{job} is forgotten\n"


@pytest.mark.parametrize("formats", [("-f", "srt,txt"), ("-f", "srt", "-f", "txt")])
def test_a_job_of_several_formats_is_refused(
    run: Callable[..., Any], shell: Any, formats: tuple[str, ...]
) -> None:
    (shell.folder / "a.wav").write_bytes(media.wav(hum(2.0)))
    refused = run("submit", "a.wav", "-m", "echo", *formats)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "govor: A job has one format, and 2 are named; "
        "`govor jobs result --format` fetches the others when it has ended.\n"
    )
