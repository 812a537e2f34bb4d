"""Odd but good recordings give the words that were spoken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.sound import media

Samples = media.Samples


def eight_channels(speech: Samples) -> bytes:
    return media.float_wav(np.repeat(speech, 6), 96_000, 8)


def telephone(speech: Samples) -> bytes:
    return media.encode([speech], 8_000, "wav", "pcm_alaw")


def video_with_two_tracks(speech: Samples) -> bytes:
    other = np.zeros_like(speech)
    return media.encode([other, speech], 44_100, "mp4", "aac", picture=True, default=1)


def encoded(container: str, codec: str, rate: int = 48_000) -> Callable[[Samples], bytes]:
    def make(speech: Samples) -> bytes:
        return media.encode([speech], rate, container, codec)

    make.__name__ = f"{codec} in {container}"
    return make


MAKERS = [
    eight_channels,
    telephone,
    video_with_two_tracks,
    encoded("mp3", "libmp3lame", 44_100),
    encoded("ipod", "aac", 44_100),
    encoded("ogg", "libopus"),
    encoded("webm", "libopus"),
    encoded("flac", "flac"),
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_the_words_are_heard_whatever_the_container(
    make: Callable[[Samples], bytes], server: Any, samples: Path, transcripts: Any
) -> None:
    speech, _ = media.read_wav(samples / "ru_short.wav")
    response = server.post(make(speech), model="whisper-base", language="ru")
    assert response.status_code == 200, response.text
    assert response.json()["text"] == transcripts["ru_short.wav"]["whisper_base"]


def test_a_name_and_a_type_that_lie_are_not_believed(server: Any, samples: Path, transcripts: Any) -> None:
    speech, _ = media.read_wav(samples / "ru_short.wav")
    content = media.encode([speech], 48_000, "ogg", "libopus")
    with server.client() as client:
        response = client.post(
            "/v1/audio/transcriptions",
            files={"file": ("report.pdf", content, "application/pdf")},
            data={"model": "whisper-base"},
        )
    assert response.json()["text"] == transcripts["ru_short.wav"]["whisper_base"]
