"""`govor transcribe --diarize`: who speaks, in text and in progress."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from support.processes.packages import install_plugin
from support.sound import media

TWO_VOICES = """
import govor

class Stream:
    def feed(self, audio):
        pass

    def finish(self):
        return [govor.SpeakerTurn(0.0, 6.0, 0), govor.SpeakerTurn(6.0, 60.0, 1)]

class Voices:
    info = govor.RecognizerInfo()

    def voiceprint(self, audio):
        return None

    def stream(self, known=()):
        return Stream()

    def close(self):
        pass

class Two:
    def models(self):
        return [govor.ModelSpec("two", kind=govor.ModelKind.DIARIZATION)]

    def load(self, spec, folder, runtime):
        return Voices()

@govor.hookimpl
def diarizer(settings):
    return Two()
"""


def test_speakers_are_named_in_text_and_in_json(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    command = ("transcribe", "-m", "echo", "ru.wav")
    result = shell.run(*command, "--diarize", GOVOR_ORDER="aa-two")
    assert (result.returncode, result.stderr) == (0, "")
    first, second = result.stdout.strip().split("\n\n")
    assert (first[:3], second[:3]) == ("A: ", "B: ")
    written = shell.run(*command, "-f", "diarized_json", "-o", "texts/", GOVOR_ORDER="aa-two")
    assert written.returncode == 0, written.stderr
    segments = json.loads((recordings / "texts/ru.json").read_text())["segments"]
    assert [segment["speaker"] for segment in segments] == ["A", "B"]


def test_the_progress_says_that_speakers_come_first(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    _, shown = shell.show("transcribe", "-m", "echo", "ru.wav", "--diarize", GOVOR_ORDER="aa-two")
    assert "ru.wav: finding the speakers" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_the_number_of_speakers_is_told_to_the_diarizer(shell: Any, recordings: Path) -> None:
    install_plugin(shell.site, "aa-two", TWO_VOICES)
    command = ("transcribe", "-m", "echo", "ru.wav", "--speakers", "3")
    told = shell.run(*command, "--diarize", GOVOR_ORDER="aa-two")
    assert (told.returncode, told.stderr) == (0, "govor: 'two' cannot honour: speakers\n")
    counted = "def stream_of(self, known, least, most):\n        print(least, most)\n        return Stream()"
    counting = TWO_VOICES.replace("def close(self):", f"{counted}\n\n    def close(self):")
    able = "govor.RecognizerInfo(capabilities=frozenset({govor.Capability.COUNT}))"
    counting = counting.replace("govor.RecognizerInfo()", able)
    assert "--diarize only" in shell.run(*command).stderr
    backwards = shell.run(*command, "--diarize", "--min-speakers", "4")
    assert "'min_speakers'" in backwards.stderr
    assert "1<=x<=100" in shell.run(*command, "--diarize", "--max-speakers", "1000").stderr
    install_plugin(shell.site, "aa-counting", counting)
    counted = shell.run(*command, "--diarize", GOVOR_ORDER="aa-counting")
    assert (counted.returncode, counted.stderr) == (0, "3 3\n")
    limits = ("--diarize", "--min-speakers", "2", "--max-speakers", "4")
    counted = shell.run(*command[:4], *limits, GOVOR_ORDER="aa-counting")
    assert counted.stderr == "2 4\n"


def test_separate_channels_are_heard_apart_and_named(shell: Any, recordings: Path) -> None:
    voice, rate = media.read_wav(recordings / "ru.wav")
    channels = np.zeros((2, 2 * len(voice)), np.float32)
    channels[0, : len(voice)] = voice
    channels[1, len(voice) // 2 : len(voice) // 2 + len(voice)] = voice
    (recordings / "call.wav").write_bytes(media.channels_wav(channels, rate))
    command = ("transcribe", "-m", "echo", "call.wav")
    told = shell.run(*command, "--channels", "separate", "--channel-names", "Agent, Customer")
    assert (told.returncode, told.stderr) == (0, "")
    assert {line.partition(": ")[0] for line in told.stdout.split("\n\n")} == {"Agent", "Customer"}
    written = shell.run(*command, "-f", "diarized_json", "-o", "texts/", GOVOR_CHANNELS="separate")
    assert written.returncode == 0, written.stderr
    segments = json.loads((recordings / "texts/call.json").read_text())["segments"]
    assert {segment["speaker"] for segment in segments} == {"left", "right"}
    wrong = shell.run(*command, "--channels", "separate", "--channel-names", "A,A")
    assert (wrong.returncode, "same name" in wrong.stderr) == (1, True)
