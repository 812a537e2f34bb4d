"""Recordings cut at their first and last word, as by push-to-talk: the miniature recognises both words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from govor import Audio, Options, Recognizer
from govor.audio.chunking import Chunker, cut
from govor.audio.policy import plan
from govor.contract.audio import SAMPLE_RATE
from miniature.heldout import HeldOut
from miniature.scoring import edits
from support.models.silero import load_silero


def hear(recognizer: Recognizer, clips: list[Audio], rim: float) -> list[str]:
    detector = load_silero()
    backend = pytest.importorskip("govor_gigaam_onnx").backend({})
    rules, packing = plan(backend.models()[0], False, None)
    assert packing.rim > 0
    heard: list[str] = []
    for clip in clips:
        found = cut([clip], Chunker(detector, rules, replace(packing, rim=rim)))
        heard += " ".join(recognizer.transcribe([one.audio], Options())[0][0].text for one in found).split()
    return heard


def errors(recognizer: Recognizer, clips: list[Audio], said: list[str], rim: float) -> int:
    return edits(said, hear(recognizer, clips, rim))


@pytest.mark.parametrize("head", ["v3_ctc", "v3_rnnt"])
def test_words_at_the_edges_are_recognised(
    head: str, open_miniature: Callable[..., Recognizer], heldout: list[HeldOut]
) -> None:
    recognizer = open_miniature("onnx", head, "fp32")
    said = [word for one in heldout for word in one.plain.split()]
    clips = [
        one.samples()[round(one.words[0][0] * SAMPLE_RATE) : round(one.words[-1][1] * SAMPLE_RATE)]
        for one in heldout
    ]
    assert errors(recognizer, clips, said, 0.5) <= 0.6 * errors(recognizer, clips, said, 0.0)


def test_recordings_with_pauses_at_their_edges_get_no_quiet(
    open_miniature: Callable[..., Recognizer], heldout: list[HeldOut]
) -> None:
    recognizer = open_miniature("onnx", "v3_ctc", "fp32")
    whole = [np.float32(one.samples()) for one in heldout[:10]]
    assert hear(recognizer, whole, 0.5) == hear(recognizer, whole, 0.0)
