"""A call with a channel for each speaker, who speak at once: real models lose no words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from govor.settings import Settings
from miniature.heldout import HeldOut
from support.processes.servers import Server, serving
from support.sound import media


@pytest.fixture(scope="module")
def server(models_dir: Any, tables: dict[str, dict[str, Any]]) -> Iterator[Server]:
    tables = {**tables, "whisper": {"temperature_fallback": False}}  # the fallback's samples are random
    settings = Settings(models_dir=models_dir, plugins=tables, preload=(), order=("gigaam-onnx",))
    with serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def parties(heldout: list[HeldOut], samples: Any) -> dict[str, list[np.ndarray]]:
    """The speech of each channel, by its model; every two overlap."""
    one, two, three, four = (utterance.samples() for utterance in heldout[:4])
    english, _ = media.read_wav(samples / "en.wav")
    return {
        "mini": [
            np.concatenate([one, np.zeros(80_000, np.float32), three]),
            np.concatenate([np.zeros(len(one) // 2, np.float32), two, np.zeros(16_000, np.float32), four]),
        ],
        "whisper": [english, np.concatenate([np.zeros(80_000, np.float32), english[: 7 * 16_000]])],
    }


@pytest.mark.parametrize("model", ["mini-v3_ctc", "mini-v3_rnnt", "whisper-base"])
def test_each_speaker_has_the_text_that_the_channel_alone_gives(
    model: str, server: Server, parties: dict[str, list[np.ndarray]]
) -> None:
    rows = parties[model.partition("-")[0]]
    channels = np.zeros((2, max(map(len, rows))), np.float32)
    for channel, row in zip(channels, rows, strict=True):
        channel[: len(row)] = row
    asked = {"model": model, "response_format": "verbose_json"}
    apart = server.post(media.channels_wav(channels), **asked, channels="separate").json()["segments"]
    for name, channel in zip(("left", "right"), channels, strict=True):
        alone = server.post(media.wav(channel), **asked).json()["segments"]
        assert alone
        assert [(part["start"], part["end"], part["text"]) for part in apart if part["speaker"] == name] == [
            (part["start"], part["end"], part["text"]) for part in alone
        ]
    assert [part["start"] for part in apart] == sorted(part["start"] for part in apart)
