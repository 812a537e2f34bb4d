"""`govor transcribe --server`: a running server hears the recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.sound import media


@pytest.fixture
def there(shell: Any, server: Any) -> Callable[..., Any]:
    """Run `govor transcribe` of the shared server, with no model of its own."""
    return lambda *args: shell.run("transcribe", "--server", server.url, *args, GOVOR_DISABLE="whisper,echo")


FLOATING_SECONDS = 0.1
"""The server's two calls at once and the terminal's single one sum in another order, in floating point. The
last digit decides between equally likely times, which lie in frames of 0.02 s."""

TIME = re.compile(r"(?:(\d+):)?(\d\d):(\d\d)[.,](\d{3})|(\d+)[.](\d+)")
TIMESTAMP_TOKENS = re.compile(r"(?<=\[)5[01]\d{3},|,5[01]\d{3}(?=\])")
"""The first and last token of a segment of Whisper: its times once more, 50364 for 0."""


def seconds_in(text: str) -> list[float]:
    """Every time of a text, in order."""
    return [
        int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3]) + int(found[4]) / 1000
        if found[2]
        else float(found[0])
        for found in TIME.finditer(text)
    ]


@pytest.mark.parametrize(("model", "apart"), [("echo", 0.0), ("whisper-base", FLOATING_SECONDS)])
def test_a_running_server_hears_what_this_process_would(
    model: str, apart: float, shell: Any, recordings: Path, there: Callable[..., Any]
) -> None:
    for place, run in (("here", lambda *args: shell.run("transcribe", *args)), ("there", there)):
        result = run("ru.wav", "-m", model, "-f", "all", *(["--words"] if apart else []), "-o", place)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    for suffix in ("txt", "srt", "vtt", "json"):
        here, far = ((recordings / f"{place}.{suffix}").read_text() for place in ("here", "there"))
        here, far = (TIMESTAMP_TOKENS.sub("", text) for text in (here, far))
        assert TIME.sub("", here) == TIME.sub("", far)
        times, others = seconds_in(here), seconds_in(far)
        assert len(times) == len(others)
        assert all(abs(one - other) <= apart + 1e-6 for one, other in zip(times, others, strict=True))
    if not apart:
        assert (recordings / "here.tsv").read_text() == (recordings / "there.tsv").read_text()


def test_a_server_is_told_what_is_wanted(recordings: Path, there: Callable[..., Any]) -> None:
    result = there(
        "-m", "echo", "ru.wav", "--no-vad", "--prompt", "x", "--keyword", "a, b", "-f", "text,json", "-o", "."
    )
    assert (result.returncode, result.stderr) == (
        0,
        "govor: the server's model cannot honour: prompt, keywords\n",
    )
    assert (recordings / "ru.txt").read_text() == "14.0 seconds.\n"
    assert json.loads((recordings / "ru.json").read_text())["usage"]["seconds"] == 15


def test_what_a_server_refuses_names_the_recording(recordings: Path, there: Callable[..., Any]) -> None:
    result = there("broken.mp3", "ru.wav", "-m", "echo")
    assert (result.returncode, result.stdout.count("seconds.")) == (1, 2)
    assert result.stderr.startswith("govor: broken.mp3: ")
    assert result.stderr.count("\n") == 1
    missing = there("ru.wav", "-m", "nonsense")
    assert missing.stderr.startswith("govor: ru.wav: The model 'nonsense' does not exist.")


def test_a_server_tells_what_was_not_heard(there: Callable[..., Any], tmp_path: Path) -> None:
    whole = media.encode([media.tone(4)], 48_000, "webm", "libopus")
    path = tmp_path / "hole.webm"
    path.write_bytes(media.altered(whole, "webm", lambda n, packet: None if 50 <= n < 100 else bytes(packet)))
    result = there("--model", "echo", str(path))
    assert result.returncode == 0
    assert result.stderr.endswith("1.0 s between 1.0 s and 2.0 s are missing in the file.\n")


def test_a_server_that_is_not_there_is_one_line(shell: Any, recordings: Path, free_port: int) -> None:
    result = shell.run("transcribe", "ru.wav", "--server", f"http://127.0.0.1:{free_port}")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("govor: ru.wav: No server answers at ")


def test_a_server_hears_channels_apart_as_this_process_does(
    shell: Any, recordings: Path, there: Callable[..., Any]
) -> None:
    voice, rate = media.read_wav(recordings / "ru.wav")
    call = np.stack([voice, np.roll(voice, len(voice) // 3)])
    (recordings / "call.wav").write_bytes(media.channels_wav(call, rate))
    asked = ("-m", "echo", "call.wav", "--channels", "separate", "--channel-names", "A,B")
    here, far = (run(*asked) for run in (lambda *args: shell.run("transcribe", *args), there))
    assert (here.returncode, far.returncode, far.stderr) == (0, 0, "")
    assert far.stdout == here.stdout
    assert "A: " in here.stdout
    assert "B: " in here.stdout
